//! Indicators against figures of pandas 3.1.1, scipy 1.17.1 and statsmodels 0.15.0 on a series that
//! anyone can make again, and against exact references after ten million values.

use ballast_domain::indicators::{
    Atr, Columns, Ddof, Ema, IndicatorSpec, RollingMoments, RollingPair, RollingStd, Rsi, RsiSeed,
    Seed, Sma,
};

/// Draws in −0.5..0.5: a 31-bit linear congruence without its low bits.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = (self.0 * 1_103_515_245 + 12_345) % (1 << 31);
        (self.0 >> 8) as f64 / f64::from(1 << 23) - 0.5
    }
}

/// A series that returns to 100 on top of a wandering benchmark, and the benchmark.
fn series() -> (Vec<f64>, Vec<f64>) {
    let (mut draws, mut level, mut benchmark) = (Draws(20_261_121), 100.0, 50.0);
    let pair = |_| {
        benchmark += draws.next() * 2.0;
        level = level * 0.9 + 10.0 + draws.next() * 6.0;
        (level + benchmark, benchmark)
    };
    (0..90).map(pair).unzip()
}

/// The last value of each: pandas `rolling` and `ewm`, scipy `skew`, `kurtosis` and `linregress`,
/// statsmodels `adfuller(regression="ct", autolag="AIC")`, which takes 7, 0, 7 and 0 lags here.
const EXPECTED: [(&str, f64); 26] = [
    ("std_37", 3.914_986_968_829_026),
    ("std0_37", 3.861_719_357_934_973_6),
    ("var_37", 15.327_122_966_101_086),
    ("var0_37", 14.912_876_399_449_706),
    ("max_37", 159.775_527_163_615_66),
    ("min_37", 145.932_016_108_110_6),
    ("skew_41", -0.276_674_106_014_324_46),
    ("skew1_41", -0.287_293_521_246_5),
    ("kurt_41", -0.811_220_875_398_739_3),
    ("kurt1_41", -0.757_659_291_949_988_6),
    ("linreg_23", 146.093_646_898_335_07),
    ("linreg_slope_23", -0.597_138_593_921_746_1),
    ("linreg_r2_23", 0.747_207_906_409_534_5),
    ("beta_33", 0.348_256_051_087_189_3),
    ("corr_33", 0.295_697_912_360_617_7),
    ("rsi_zero_9", 43.754_847_612_514_31),
    ("macd_rec_hist_5_13_4", 0.163_663_141_647_027_55),
    ("adf_20", -0.571_309_359_526_443_1),
    ("adf_45", -1.798_395_213_439_257_8),
    ("adf_60", -2.207_169_981_413_876_8),
    ("adf_90", -2.512_581_312_284_048_4),
    ("adf_clip_90", -2.512_581_312_284_048_4),
    ("adf_lags_20", 7.0),
    ("adf_lags_45", 0.0),
    ("adf_lags_60", 7.0),
    ("adf_lags_90", 0.0),
];

#[test]
fn what_the_corpus_lacks_equals_pandas_scipy_and_statsmodels() {
    let (close, benchmark) = series();
    assert!((close[89] - 148.571_369_299_572_84).abs() < 1e-12);
    let columns = Columns {
        high_low: None,
        close: &close,
        benchmark: Some(&benchmark),
        annualisation: 252.0,
    };
    for (text, expected) in EXPECTED {
        let spec: IndicatorSpec = text.parse().unwrap();
        let got = spec.values(&columns).unwrap()[89];
        let error = (got - expected).abs() / expected.abs().max(f64::MIN_POSITIVE);
        println!("{text:<24} {error:.1e}");
        assert!(error <= 1e-9, "{text}: {got} instead of {expected}");
    }
}

/// Mean, variance (ddof 1) and excess kurtosis of a window in two passes around its first value.
fn exact(window: &[f64]) -> [f64; 3] {
    let n = window.len() as f64;
    let shifted: Vec<f64> = window.iter().map(|x| x - window[0]).collect();
    let mean = shifted.iter().sum::<f64>() / n;
    let squares: Vec<f64> = shifted.iter().map(|x| (x - mean) * (x - mean)).collect();
    let m2 = squares.iter().sum::<f64>() / n;
    let m4 = squares.iter().map(|s| s * s).sum::<f64>() / n;
    [window[0] + mean, m2 * n / (n - 1.0), m4 / (m2 * m2) - 3.0]
}

/// Ten million prices near 50 000: the last values are as good as the first.
#[test]
fn ten_million_values_leave_no_error_behind() {
    const COUNT: usize = 10_000_000;
    const PERIOD: usize = 50;
    let mut draws = Draws(7);
    let mut price = 50_000.0;
    let prices: Vec<f64> = (0..COUNT)
        .map(|_| {
            price += 0.001 * (50_000.0 - price) + 20.0 * draws.next();
            price
        })
        .collect();
    let mut sma = Sma::new(PERIOD).unwrap();
    let mut std = RollingStd::new(PERIOD, Ddof::Sample).unwrap();
    let mut moments = RollingMoments::new(PERIOD).unwrap();
    let mut pair = RollingPair::new(PERIOD).unwrap();
    let mut ema = Ema::new(PERIOD, Seed::Mean).unwrap();
    let mut rsi = Rsi::new(14, RsiSeed::Wilder).unwrap();
    let mut atr = Atr::new(14).unwrap();
    // Forgets what came before within its 4,000 values: (1 − 1/14)^4000 is below 1e-128.
    let (mut late_ema, mut late_rsi, mut late_atr) = (ema.clone(), rsi.clone(), atr.clone());
    for (i, &x) in prices.iter().enumerate() {
        sma.update(x);
        std.update(x);
        moments.update(x);
        pair.update(x, 3.0 * x - 7.0);
        ema.update(x);
        rsi.update(x);
        atr.update(x + 2.0, x - 1.0, x);
        if i >= COUNT - 4_000 {
            late_ema.update(x);
            late_rsi.update(x);
            late_atr.update(x + 2.0, x - 1.0, x);
        }
    }
    let [mean, variance, kurtosis] = exact(&prices[COUNT - PERIOD..]);
    let z = (prices[COUNT - 1] - mean) / variance.sqrt();
    for (name, got, expected, allowed) in [
        ("sma", sma.value(), mean, 1e-12),
        ("std", std.value(), variance.sqrt(), 1e-12),
        ("variance", moments.variance(Ddof::Sample), variance, 1e-12),
        ("z-score", moments.z_score(Ddof::Sample), z, 1e-12),
        (
            "kurtosis",
            moments.excess_kurtosis(Ddof::Population),
            kurtosis,
            1e-11,
        ),
        ("beta", pair.beta(), 3.0, 1e-11),
        ("correlation", pair.correlation(), 1.0, 1e-11),
        ("ema", ema.value(), late_ema.value().unwrap(), 1e-14),
        ("rsi", rsi.value(), late_rsi.value().unwrap(), 1e-12),
        ("atr", atr.value(), late_atr.value().unwrap(), 1e-12),
    ] {
        let error = (got.unwrap() / expected - 1.0).abs();
        println!("{name:<12} {error:.1e}");
        assert!(
            error <= allowed,
            "{name}: {got:?} instead of {expected}, {error:e}"
        );
    }
}
