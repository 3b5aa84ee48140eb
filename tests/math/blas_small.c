/* The slow obvious BLAS, with room for faults: what tests/math/blas_library_test.ts compiles.
   -DINTEGER=long: 64-bit integers by address.  -DFAULT=…: see below. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef INTEGER
#define INTEGER int
#endif

enum { NONE, CRASH_AT_LOAD, CRASH_IN_CALL, WRONG_PRODUCT, WRONG_FACTOR, WRONG_SOLUTION, WRONG_WHEN_LARGE,
       HANGS_AT_LOAD };
#ifndef FAULT
#define FAULT NONE
#endif

__attribute__((constructor)) static void load(void) {
  if (FAULT == CRASH_AT_LOAD) abort();
  while (FAULT == HANGS_AT_LOAD) pause();
}

#define GEMM(NAME, REAL)                                                                        \
  void NAME(int order, int ta, int tb, int m, int n, int k, REAL alpha, const REAL *A, int lda, \
            const REAL *B, int ldb, REAL beta, REAL *C, int ldc) {                              \
    if (FAULT == CRASH_IN_CALL) *(volatile int *)0 = 0;                                         \
    if (FAULT == WRONG_WHEN_LARGE && k > 300) k--;                                              \
    for (int i = 0; i < m; i++)                                                                 \
      for (int j = 0; j < n; j++) {                                                             \
        double sum = 0;                                                                         \
        for (int p = 0; p < k; p++)                                                             \
          sum += (double)A[ta == 112 ? p * lda + i : i * lda + p] *                             \
                 B[tb == 112 ? j * ldb + p : p * ldb + j];                                      \
        if (FAULT == WRONG_PRODUCT && m > 10 && i == m - 1 && j == n - 1) sum += 1e-3;          \
        C[i * ldc + j] = alpha * sum + (beta == 0 ? 0 : beta * C[i * ldc + j]);                 \
      }                                                                                         \
  }
GEMM(cblas_sgemm, float)
GEMM(cblas_dgemm, double)

void cblas_dsyrk(int order, int uplo, int trans, int n, int k, double alpha, const double *A,
                 int lda, double beta, double *C, int ldc) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double sum = 0;
      for (int p = 0; p < k; p++) sum += A[i * lda + p] * A[j * lda + p];
      C[i * ldc + j] = alpha * sum + (beta == 0 ? 0 : beta * C[i * ldc + j]);
    }
}

void cblas_dtrsm(int order, int side, int uplo, int trans, int diag, int rows, int m, double alpha,
                 const double *L, int ldl, double *B, int ldb) {
  if (FAULT == WRONG_SOLUTION) trans = 112;
  for (int r = 0; r < rows; r++)
    for (int s = 0; s < m; s++) {
      int i = trans == 112 ? s : m - 1 - s;
      double rest = B[r * ldb + i];
      for (int j = trans == 112 ? 0 : i + 1; j < (trans == 112 ? i : m); j++)
        rest -= L[trans == 112 ? i * ldl + j : j * ldl + i] * B[r * ldb + j];
      B[r * ldb + i] = rest / L[i * ldl + i];
    }
}

#ifndef WITHOUT_FORTRAN
double ddot_(INTEGER *n, double *a, INTEGER *stepA, double *b, INTEGER *stepB) {
  double sum = 0;
  for (INTEGER i = 0; i < *n; i++) sum += a[i * *stepA] * b[i * *stepB];
  return sum;
}
#endif

#ifdef WITH_LAPACK
void dpotrf_(char *uplo, INTEGER *size, double *S, INTEGER *leading, INTEGER *info) {
  INTEGER m = *size;
  *info = 0;
  for (INTEGER i = 0; i < m; i++) {
    for (INTEGER j = 0; j <= i; j++) {
      double rest = S[i * m + j];
      for (INTEGER k = 0; k < j; k++) rest -= S[i * m + k] * S[j * m + k];
      if (j < i) S[i * m + j] = rest / S[j * m + j];
      else if (rest <= 0 && FAULT != WRONG_FACTOR) { *info = i + 1; return; }
      else S[i * m + i] = sqrt(fabs(rest));
    }
  }
}
#endif
