//! The natural logarithm, bit for bit the same on every machine.
//!
//! The library's rests on the platform's mathematics, which may differ in the last bit; placement must not. This one
//! uses only additions, multiplications and divisions, which IEEE 754 rounds alike everywhere.

/// `-ln((hash + 1/2) / 2^52)` of the upper 52 bits of `hash`: an exponentially distributed number, above 0.
pub(crate) fn exponential(hash: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits, with the half, fit into an f64")]
    let fraction = ((hash >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0;
    -natural(fraction)
}

/// ln of a number between 0 and 1: split into a power of two and a rest near 1, whose series converges quickly.
fn natural(number: f64) -> f64 {
    const LN_2: f64 = std::f64::consts::LN_2;
    let bits = number.to_bits();
    let mut exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0) - 1022;
    // The same fraction with the exponent of [1/2, 1).
    let mut rest = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1022 << 52));
    if rest < std::f64::consts::FRAC_1_SQRT_2 {
        rest *= 2.0;
        exponent -= 1;
    }
    let ratio = (rest - 1.0) / (rest + 1.0);
    let square = ratio * ratio;
    let mut sum = 0.0;
    let mut odd = 21.0;
    while odd > 0.0 {
        sum = sum * square + 1.0 / odd;
        odd -= 2.0;
    }
    f64::from(exponent) * LN_2 + 2.0 * ratio * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_logarithm() {
        for number in [
            1e-16,
            1e-9,
            0.1,
            0.25,
            0.499_999,
            0.5,
            0.7,
            0.707_2,
            0.9,
            0.999_999,
            1.0 - 1e-15,
        ] {
            let (ours, theirs) = (natural(number), number.ln());
            assert!(
                (ours - theirs).abs() <= 1e-13 * theirs.abs().max(1e-3),
                "{number}: {ours} {theirs}"
            );
        }
    }

    #[test]
    fn every_hash_gives_a_positive_number() {
        for hash in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            assert!(exponential(hash) > 0.0, "{hash}");
        }
        assert!(exponential(1 << 60) > exponential(1 << 61));
    }
}
