//! Random moments for tests that end processes at arbitrary times.

use std::time::{SystemTime, UNIX_EPOCH};

/// xorshift64 (Marsaglia 2003). No secrets depend on it.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Random numbers from this seed.
    #[must_use]
    pub fn new(seed: u64) -> Random {
        // A seed of 0 would give nothing but zeros.
        Random(seed.max(1))
    }

    /// Random numbers from the seed in the environment variable `ISOPOD_TEST_SEED`, or from a new seed each
    /// time. The test prints the seed, so that a failure names it.
    #[must_use]
    #[allow(clippy::print_stdout, reason = "shown with a test that fails")]
    pub fn from_environment() -> Random {
        let given = std::env::var("ISOPOD_TEST_SEED").ok();
        let seed = given.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(1, |now| u64::from(now.subsec_nanos()))
        });
        println!("seed: ISOPOD_TEST_SEED={seed}");
        Random::new(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A position in something of this length; 0 if it is empty.
    pub fn position(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.draw() % length).unwrap_or_default()
    }

    /// Spins up to about 100 us: from before a new guest's first instruction into its loop.
    pub fn pause(&mut self) {
        for _ in 0..self.draw() % 3_000 {
            std::hint::spin_loop();
        }
    }
}
