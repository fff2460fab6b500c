//! The quantile of the standard normal distribution.

/// `z` with `Φ(z) = probability`, to about 1e-15; `None` outside the open interval (0, 1).
///
/// A rational start (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.23, error
/// below 4.5e-4) is refined by Halley steps on the complementary error function.
pub fn normal_quantile(probability: f64) -> Option<f64> {
    if !(probability > 0.0 && probability < 1.0) {
        return None;
    }
    // The lower tail keeps its digits, so the upper half is answered by symmetry.
    if probability > 0.5 {
        return normal_quantile(1.0 - probability).map(|z| -z);
    }
    let t = (-2.0 * libm::log(probability)).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = numerator / denominator - t;
    for _ in 0..3 {
        let cumulative = 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        let density = libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt();
        let step = (cumulative - probability) / density;
        z -= step / (1.0 + 0.5 * z * step);
    }
    z.is_finite().then_some(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_equal_published_values() {
        // Standard tables, 16 digits.
        for (p, z) in [
            (0.5, 0.0),
            (0.05, -1.644_853_626_951_472_7),
            (0.01, -2.326_347_874_040_841),
            (0.025, -1.959_963_984_540_054),
            (0.001, -3.090_232_306_167_813_5),
            (0.975, 1.959_963_984_540_054),
            (1e-10, -6.361_340_902_404_056),
        ] {
            let got = normal_quantile(p).unwrap();
            assert!((got - z).abs() <= 4e-15 * (1.0 + z.abs()), "{p}: {got} {z}");
        }
    }

    #[test]
    fn outside_the_open_unit_interval_there_is_none() {
        for p in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert_eq!(normal_quantile(p), None, "{p}");
        }
    }
}
