//! Pure computation. The benchmarks compile this file for the machine itself too.

/// The names of the kernels.
#[allow(dead_code, reason = "for the other side")]
pub const KERNELS: [&str; 5] = ["sieve", "n-body", "SHA-256", "sort", "JSON"];

/// A kernel with its data: each call is a round, and returns a number that depends on the whole
/// computation.
pub fn kernel(name: &str) -> Option<Box<dyn FnMut() -> u64>> {
    Some(match name {
        "sieve" => Box::new(sieve),
        "n-body" => Box::new(n_body),
        "SHA-256" => sha256(),
        "sort" => sort(),
        "JSON" => json(),
        _ => return None,
    })
}

/// xorshift64 (Marsaglia 2003).
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// The primes below a million, by Eratosthenes.
fn sieve() -> u64 {
    const BOUND: usize = 1_000_000;
    let mut is_composite = vec![false; BOUND];
    let mut count = 0;
    for number in 2..BOUND {
        if !is_composite[number] {
            count += 1;
            for multiple in (number * number..BOUND).step_by(number) {
                is_composite[multiple] = true;
            }
        }
    }
    count
}

/// 10,000 steps of five bodies under gravity, with places and masses from a random sequence.
fn n_body() -> u64 {
    const STEPS: usize = 10_000;
    const STEP: f64 = 0.001;
    let mut state = 7;
    let mut draw = || (random(&mut state) % 1_000) as f64 / 100.0;
    let mut bodies: [([f64; 3], [f64; 3], f64); 5] =
        std::array::from_fn(|_| ([draw(), draw(), draw()], [0.0; 3], 1.0 + draw()));
    for _ in 0..STEPS {
        for first in 0..bodies.len() {
            for second in first + 1..bodies.len() {
                let mut apart = [0.0; 3];
                for axis in 0..3 {
                    apart[axis] = bodies[first].0[axis] - bodies[second].0[axis];
                }
                let square: f64 = apart.iter().map(|length| length * length).sum();
                let force = STEP / ((square + 0.01) * (square + 0.01).sqrt());
                let (own, other) = (bodies[first].2, bodies[second].2);
                for axis in 0..3 {
                    bodies[first].1[axis] -= apart[axis] * other * force;
                    bodies[second].1[axis] += apart[axis] * own * force;
                }
            }
        }
        for (place, speed, _) in &mut bodies {
            for axis in 0..3 {
                place[axis] += speed[axis] * STEP;
            }
        }
    }
    bodies[0].0[0].to_bits()
}

/// The digest of a mebibyte, without the special instructions of some processors.
fn sha256() -> Box<dyn FnMut() -> u64> {
    let mut state = 7;
    let bytes: Vec<u8> = (0..1 << 20).map(|_| random(&mut state) as u8).collect();
    Box::new(move || {
        let digest = hmac_sha256::Hash::hash(&bytes);
        digest.iter().map(|byte| u64::from(*byte)).sum()
    })
}

/// A million random numbers, copied and sorted.
fn sort() -> Box<dyn FnMut() -> u64> {
    let mut state = 7;
    let numbers: Vec<u64> = (0..1_000_000).map(|_| random(&mut state)).collect();
    Box::new(move || {
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    })
}

/// Parses about 300 KB of records.
fn json() -> Box<dyn FnMut() -> u64> {
    let mut state = 7;
    let records: Vec<serde_json::Value> = (0..2_000)
        .map(|number| {
            serde_json::json!({
                "id": number,
                "name": format!("name \"{}\"", random(&mut state)),
                "scores": [random(&mut state) % 100, 0.5, -3e-7, null, true],
                "nested": {"one": {"two": "three"}},
            })
        })
        .collect();
    let text = serde_json::Value::from(records).to_string();
    Box::new(move || {
        let parsed: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        parsed.as_array().map_or(0, |records| records.len() as u64)
    })
}
