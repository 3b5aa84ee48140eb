//! The peer of `ipfe.ts` and `ipfe_encrypt.ts`: inner-product encryption over ristretto255 by
//! curve25519-dalek on one core, in variable time where it offers that.
//!
//! `dalek-peer FOLDER encrypt|neurons`. Each way that its interface offers runs three times, and the
//! fastest takes part. encrypt:
//! - a double multiplication for each coordinate;
//! - tables of the public key, made before the clock starts.
//!
//! neurons: one ciphertext under many keys, without the logarithms, which stand in the inputs and are
//! checked after the clock stops:
//! - Straus: tables of the ciphertext's points, made within the time and shared by the keys; every y is
//!   shifted by a constant, since a negative one would be a scalar of 253 bits;
//! - Pippenger: `vartime_multiscalar_mul` for each key.
//!
//! Protocol: `ready WHAT VERSION`, then for each line on stdin `done MILLISECONDS DIGEST`.

use curve25519_dalek::ristretto::{
    CompressedRistretto, RistrettoBasepointTable, RistrettoPoint, VartimeRistrettoPrecomputation,
};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{VartimeMultiscalarMul, VartimePrecomputedMultiscalarMul};
use sha2::{Digest, Sha256};
use std::io::BufRead;
use std::time::Instant;

fn read(folder: &str, name: &str) -> Vec<u8> {
    std::fs::read(format!("{folder}/{name}")).expect(name)
}

fn points(bytes: &[u8]) -> Vec<RistrettoPoint> {
    let decode = |chunk| CompressedRistretto::from_slice(chunk).ok()?.decompress();
    bytes
        .chunks(32)
        .map(|chunk| decode(chunk).expect("a point"))
        .collect()
}

fn scalars(bytes: &[u8]) -> Vec<Scalar> {
    let decode = |chunk: &[u8]| Scalar::from_bytes_mod_order(chunk.try_into().unwrap());
    bytes.chunks(32).map(decode).collect()
}

fn integers(bytes: &[u8]) -> Vec<i64> {
    let decode = |chunk: &[u8]| i32::from_le_bytes(chunk.try_into().unwrap()) as i64;
    bytes.chunks(4).map(decode).collect()
}

fn signed(value: i64) -> Scalar {
    let magnitude = Scalar::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// A ciphertext, keys for it, and what they open.
struct Neurons {
    ct0: RistrettoPoint,
    ct: Vec<RistrettoPoint>,
    y: Vec<i64>,
    keys: Vec<Scalar>,
    z: Vec<i64>,
}

impl Neurons {
    fn straus(&self) -> Vec<RistrettoPoint> {
        let n = self.ct.len();
        let shift = 1 - self.y.iter().min().unwrap();
        let tables = VartimeRistrettoPrecomputation::new(&self.ct);
        let dynamic = [self.ct0, self.ct.iter().sum()];
        let open = |(y, key): (&[i64], &Scalar)| {
            let positive = y.iter().map(|&value| Scalar::from((value + shift) as u64));
            tables.vartime_mixed_multiscalar_mul(positive, [-key, signed(-shift)], dynamic)
        };
        self.y.chunks(n).zip(&self.keys).map(open).collect()
    }

    fn pippenger(&self) -> Vec<RistrettoPoint> {
        let n = self.ct.len();
        let open = |(y, key): (&[i64], &Scalar)| {
            let all = y.iter().map(|&value| signed(value)).chain([-key]);
            RistrettoPoint::vartime_multiscalar_mul(all, self.ct.iter().chain([&self.ct0]))
        };
        self.y.chunks(n).zip(&self.keys).map(open).collect()
    }

    fn digest(&self, opened: &[RistrettoPoint]) -> String {
        for (point, &z) in opened.iter().zip(&self.z) {
            assert!(
                *point == RistrettoPoint::mul_base(&signed(z)),
                "an inner product is wrong"
            );
        }
        let weighed = self.z.iter().zip(1..).map(|(z, k)| z * k).sum::<i64>();
        weighed.to_string()
    }
}

/// Encrypts x with randomness r: a double multiplication for each coordinate.
fn encrypt(h: &[RistrettoPoint], x: &[u8], r: &Scalar) -> Vec<RistrettoPoint> {
    let one = |(base, &x): (&RistrettoPoint, &u8)| {
        RistrettoPoint::vartime_double_scalar_mul_basepoint(r, base, &Scalar::from(x))
    };
    [RistrettoPoint::mul_base(r)]
        .into_iter()
        .chain(h.iter().zip(x).map(one))
        .collect()
}

/// The same with tables of the bases, 30 KB each, and of the small multiples of the generator.
fn encrypt_by_tables(
    tables: &[RistrettoBasepointTable],
    small: &[RistrettoPoint],
    x: &[u8],
    r: &Scalar,
) -> Vec<RistrettoPoint> {
    let one = |(table, &x): (&RistrettoBasepointTable, &u8)| table * r + small[x as usize];
    [RistrettoPoint::mul_base(r)]
        .into_iter()
        .chain(tables.iter().zip(x).map(one))
        .collect()
}

fn sha256(points: &[RistrettoPoint]) -> String {
    let mut hash = Sha256::new();
    points
        .iter()
        .for_each(|point| hash.update(point.compress().as_bytes()));
    hash.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn take_turns(
    way: &str,
    work: impl Fn() -> Vec<RistrettoPoint>,
    digest: impl Fn(&[RistrettoPoint]) -> String,
) {
    println!("ready curve25519-dalek 5.0.0, {way}");
    for _ in std::io::stdin().lock().lines() {
        let start = Instant::now();
        let result = work();
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        println!("done {ms} {}", digest(&result));
    }
}

fn best_of_three(work: impl Fn() -> Vec<RistrettoPoint>) -> f64 {
    let time = |_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed().as_secs_f64()
    };
    (0..3).map(time).fold(f64::INFINITY, f64::min)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let folder = &args[1];
    if args[2] == "encrypt" {
        let (h, x) = (points(&read(folder, "h.bin")), read(folder, "x.bin"));
        let r = scalars(&read(folder, "r.bin"))[0];
        let tables: Vec<_> = h.iter().map(RistrettoBasepointTable::create).collect();
        let small: Vec<_> = (0..256u64)
            .map(|k| RistrettoPoint::mul_base(&Scalar::from(k)))
            .collect();
        let plain = || encrypt(&h, &x, &r);
        let by_tables = || encrypt_by_tables(&tables, &small, &x, &r);
        if best_of_three(by_tables) < best_of_three(plain) {
            return take_turns("tables of the bases", by_tables, sha256);
        }
        return take_turns("a double multiplication a coordinate", plain, sha256);
    }
    let ct = points(&read(folder, "ct.bin"));
    let neurons = Neurons {
        ct0: ct[0],
        ct: ct[1..].to_vec(),
        y: integers(&read(folder, "y.bin")),
        keys: scalars(&read(folder, "keys.bin")),
        z: integers(&read(folder, "z.bin")),
    };
    let digest = |opened: &[RistrettoPoint]| neurons.digest(opened);
    if best_of_three(|| neurons.straus()) < best_of_three(|| neurons.pippenger()) {
        take_turns("tables of the ciphertext", || neurons.straus(), digest);
    } else {
        take_turns(
            "a multi-scalar multiplication a key",
            || neurons.pippenger(),
            digest,
        );
    }
}
