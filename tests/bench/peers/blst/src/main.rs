//! The peer of `fhipe.ts` and `fhipe_fresh.ts`: function-hiding decryption without the logarithm,
//! D1 = e(K1, C1) and D2 = ∏ e(K2_i, C2_i), by blst on one core.
//!
//! `blst-peer FOLDER kept|fresh`. kept: the lines of the ciphertext's Miller loops are there before the
//! clock starts; fresh: affine points only. Each way that blst's interface offers runs three times, and
//! the fastest takes part:
//! - `miller_loop_n`: lines made on the way, 16 pairs share the squarings;
//! - `miller_loop_lines`: kept lines, one pair at a time;
//! - `mul_by_xy00z0`: kept lines, all pairs share the squarings.
//!
//! Protocol: `ready WHAT VERSION`, then for each line on stdin `done MILLISECONDS DIGEST`.

use blst::*;
use std::io::BufRead;
use std::time::Instant;

/// Bytes before the elements in an encoded key or ciphertext (lib/fe/encoding.ts).
const HEADER: usize = 19;
/// The lines of a Miller loop: a doubling's, then an addition's and so many doublings', five times.
const LINES: usize = 68;
const DOUBLINGS: [usize; 5] = [2, 3, 9, 32, 16];

/// Some pairs (P, Q), and the lines of each Q: by pair, and by step of the loop.
struct Pairs {
    p: Vec<blst_p1_affine>,
    q: Vec<blst_p2_affine>,
    by_pair: Vec<[blst_fp6; LINES]>,
    by_step: Vec<Vec<blst_fp6>>,
}

impl Pairs {
    fn new(p: &[blst_p1_affine], q: &[blst_p2_affine]) -> Self {
        let lines_of = |point: &blst_p2_affine| {
            let mut lines = [blst_fp6::default(); LINES];
            unsafe { blst_precompute_lines(lines.as_mut_ptr(), point) };
            lines
        };
        let by_pair: Vec<_> = q.iter().map(lines_of).collect();
        let by_step = (0..LINES)
            .map(|k| by_pair.iter().map(|lines| lines[k]).collect())
            .collect();
        Pairs {
            p: p.to_vec(),
            q: q.to_vec(),
            by_pair,
            by_step,
        }
    }
}

fn miller_loop_n(pairs: &Pairs) -> blst_fp12 {
    // Arrays side by side: a pointer to the first, then null.
    let (q, p) = (
        [pairs.q.as_ptr(), std::ptr::null()],
        [pairs.p.as_ptr(), std::ptr::null()],
    );
    let mut out = blst_fp12::default();
    unsafe { blst_miller_loop_n(&mut out, q.as_ptr(), p.as_ptr(), pairs.p.len()) };
    out
}

fn miller_loop_lines(pairs: &Pairs) -> blst_fp12 {
    let one_loop = |(point, lines): (&blst_p1_affine, &[blst_fp6; LINES])| {
        let mut out = blst_fp12::default();
        unsafe { blst_miller_loop_lines(&mut out, lines.as_ptr(), point) };
        out
    };
    pairs
        .p
        .iter()
        .zip(&pairs.by_pair)
        .map(one_loop)
        .reduce(|a, b| a * b)
        .expect("pairs")
}

fn mul_by_xy00z0(pairs: &Pairs) -> blst_fp12 {
    // A line at (x, y) is its first coefficient, its second times −2x and its third times 2y.
    let at = |point: &blst_p1_affine| {
        let mut twice = *point;
        unsafe {
            blst_fp_add(&mut twice.x, &point.x, &point.x);
            blst_fp_cneg(&mut twice.x, &twice.x, true);
            blst_fp_add(&mut twice.y, &point.y, &point.y);
        }
        twice
    };
    let points: Vec<_> = pairs.p.iter().map(at).collect();
    let mut f = unsafe { *blst_fp12_one() };
    let mut steps = pairs.by_step.iter();
    let mut step = |f: &mut blst_fp12| {
        for (point, kept) in points.iter().zip(steps.next().expect("68 steps")) {
            let mut line = *kept;
            unsafe {
                for part in 0..2 {
                    blst_fp_mul(&mut line.fp2[1].fp[part], &kept.fp2[1].fp[part], &point.x);
                    blst_fp_mul(&mut line.fp2[2].fp[part], &kept.fp2[2].fp[part], &point.y);
                }
                blst_fp12_mul_by_xy00z0(f, f, &line);
            }
        }
    };
    step(&mut f);
    for doublings in DOUBLINGS {
        step(&mut f);
        for _ in 0..doublings {
            unsafe { blst_fp12_sqr(&mut f, &f) };
            step(&mut f);
        }
    }
    unsafe { blst_fp12_conjugate(&mut f) }; // the curve's parameter is negative
    f
}

/// One way to the product of Miller loops.
struct Way {
    name: &'static str,
    product: fn(&Pairs) -> blst_fp12,
    needs_lines: bool,
}

const WAYS: [Way; 3] = [
    Way {
        name: "miller_loop_n",
        product: miller_loop_n,
        needs_lines: false,
    },
    Way {
        name: "miller_loop_lines",
        product: miller_loop_lines,
        needs_lines: true,
    },
    Way {
        name: "mul_by_xy00z0",
        product: mul_by_xy00z0,
        needs_lines: true,
    },
];

/// The first 16 hexadecimal digits of SHA-256 over what D and 1/D share: the Fp6 half, in big-endian bytes.
fn digest(values: &[blst_fp12]) -> String {
    let mut bytes = Vec::new();
    for part in values
        .iter()
        .flat_map(|value| value.fp6[0].fp2)
        .flat_map(|pair| pair.fp)
    {
        let mut one = [0; 48];
        unsafe { blst_bendian_from_fp(one.as_mut_ptr(), &part) };
        bytes.extend(one);
    }
    let mut hash = [0; 32];
    unsafe { blst_sha256(hash.as_mut_ptr(), bytes.as_ptr(), bytes.len()) };
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Milliseconds, and the digest of D1 and D2.
fn decrypt(way: &Way, products: &[Pairs; 2]) -> (f64, String) {
    let started = Instant::now();
    let values = products
        .each_ref()
        .map(|pairs| (way.product)(pairs).final_exp());
    (started.elapsed().as_secs_f64() * 1e3, digest(&values))
}

fn points<T: Default>(
    path: &str,
    size: usize,
    read: unsafe extern "C" fn(*mut T, *const u8) -> BLST_ERROR,
) -> Vec<T> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let point = |chunk: &[u8]| {
        let mut point = T::default();
        let status = unsafe { read(&mut point, chunk.as_ptr()) };
        assert!(status == BLST_ERROR::BLST_SUCCESS, "{path}: {status:?}");
        point
    };
    bytes[HEADER..].chunks_exact(size).map(point).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, setting] = &arguments[..] else {
        panic!("usage: blst-peer FOLDER kept|fresh")
    };
    let p = points(&format!("{folder}/skY.bin"), 48, blst_p1_uncompress);
    let q = points(&format!("{folder}/ctX.bin"), 96, blst_p2_uncompress);
    let products = [Pairs::new(&p[..1], &q[..1]), Pairs::new(&p[1..], &q[1..])];
    let expected = decrypt(&WAYS[0], &products).1;
    let mut best = (f64::INFINITY, &WAYS[0]);
    for way in WAYS
        .iter()
        .filter(|way| setting == "kept" || !way.needs_lines)
    {
        for _ in 0..3 {
            let (elapsed, found) = decrypt(way, &products);
            assert!(found == expected, "{} differs", way.name);
            if elapsed < best.0 {
                best = (elapsed, way);
            }
        }
    }
    println!("ready blst 0.3.17, {}", best.1.name);
    for line in std::io::stdin().lock().lines() {
        line.expect("a line");
        let (elapsed, found) = decrypt(best.1, &products);
        println!("done {elapsed} {found}");
    }
}
