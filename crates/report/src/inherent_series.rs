//! Inherent states along loading, read from the series that a run wrote.

use std::collections::BTreeMap;
use std::path::Path;

use metabasin_files::{FilesError, Series, read_series};

/// A mean and, where it is one over several pairs, its standard error.
type Mean = (f64, Option<f64>);

/// The inherent states at one strain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InherentPoint {
    /// Shear strain γ.
    pub strain: f64,
    /// Energy per atom less that of the first state, mean over loading to either side `[energy]`.
    pub energy: Mean,
    /// Shear stress of all atoms, of icosahedral ones, of others: half the difference between loading to
    /// either side `[energy / length³]`.
    pub stress: [Mean; 3],
    /// Share of the small atoms that are icosahedral, mean over loading to either side.
    pub icosahedral: Mean,
}

/// Loading at one rate.
#[derive(Clone, Debug, PartialEq)]
pub struct InherentLoading {
    /// Strain rate `[1 / mapped second]`.
    pub rate_per_second: f64,
    /// The states by strain.
    pub points: Vec<InherentPoint>,
    /// The same at zero load, at the time at which the loading has that strain, γ = γ̇ t: what mere aging does. Stresses
    /// less those of the first state. Empty where the run has no such copies.
    pub zero_load: Vec<InherentPoint>,
}

/// The two series of a pair.
#[derive(Default)]
struct Pair {
    plus: Option<Series>,
    minus: Option<Series>,
}

/// What one pair says at one strain: γ, energy, three stresses, icosahedral share.
type Row = [f64; 6];

/// Loading by MD at every rate, the slowest first, averaged over the pairs that are whole.
///
/// # Errors
/// [`FilesError`] for a series that cannot be read.
pub(crate) fn inherent_loadings(run_dir: &Path) -> Result<Vec<InherentLoading>, FilesError> {
    let mut rates: BTreeMap<u64, (f64, BTreeMap<String, Pair>)> = BTreeMap::new();
    for path in inherent_files(run_dir) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some((rate, pair, is_plus)) = parts(&name) else {
            continue;
        };
        let series = read_series(&path)?;
        // Positive numbers are in the order of their bits.
        let (_, pairs) = rates
            .entry(rate.to_bits())
            .or_insert((rate, BTreeMap::new()));
        let of_pair = pairs.entry(pair.to_owned()).or_default();
        let side = if is_plus {
            &mut of_pair.plus
        } else {
            &mut of_pair.minus
        };
        *side = Some(series);
    }
    let copies = zero_load_copies(run_dir)?;
    let loadings = rates.into_values().map(|(rate_per_second, pairs)| {
        let rows: Vec<Vec<Row>> = pairs.into_values().filter_map(|pair| pair.rows()).collect();
        let points = averaged(&rows);
        let last = points.last().map_or(0.0, |point| point.strain.abs());
        let aged = |row: &Row| {
            let [seconds, rest @ ..] = *row;
            let [energy, all, inside, other, icosahedral] = rest;
            [
                rate_per_second * seconds,
                energy,
                all,
                inside,
                other,
                icosahedral,
            ]
        };
        let stretched: Vec<Vec<Row>> = copies
            .iter()
            .map(|rows| rows.iter().map(aged).collect())
            .collect();
        let mut zero_load = averaged(&stretched);
        // Rounding of γ̇ t does not cost the last one.
        zero_load.retain(|point| point.strain <= last * (1.0 + 1e-9));
        InherentLoading {
            rate_per_second,
            points,
            zero_load,
        }
    });
    Ok(loadings
        .filter(|loading| !loading.points.is_empty())
        .collect())
}

/// The copies of the first stage at zero load: time in mapped seconds in place of the strain, energies and stresses less
/// those of the first state.
///
/// # Errors
/// [`FilesError`] for a series that cannot be read.
fn zero_load_copies(run_dir: &Path) -> Result<Vec<Vec<Row>>, FilesError> {
    let files = files_of(run_dir, "relax");
    let Some(stage) = files
        .first()
        .and_then(|path| path.parent().map(Path::to_owned))
    else {
        return Ok(Vec::new());
    };
    let mut copies = Vec::new();
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_copy = name.starts_with("copy-") && name.ends_with("-inherent.csv");
        if path.parent() == Some(&stage) && is_copy {
            copies.extend(zero_load_rows(&read_series(path)?));
        }
    }
    Ok(copies)
}

fn zero_load_rows(series: &Series) -> Option<Vec<Row>> {
    let time = series.column("time_mapped")?;
    let less_first = |name: &str| {
        let values = series.column(name)?;
        let first = *values.first()?;
        Some(
            values
                .iter()
                .map(move |value| value - first)
                .collect::<Vec<f64>>(),
        )
    };
    let columns = [
        "energy_per_atom",
        "stress_xy",
        "stress_xy_icosahedral",
        "stress_xy_other",
    ];
    let [energy, all, inside, other] = columns.map(less_first);
    let (energy, all, inside, other) = (energy?, all?, inside?, other?);
    let icosahedral = series.column("icosahedral_fraction_of_small")?;
    let start = *time.first()?;
    let row = |k: usize| {
        [
            time[k] - start,
            energy[k],
            all[k],
            inside[k],
            other[k],
            icosahedral[k],
        ]
    };
    Some((0..time.len()).map(row).collect())
}

/// The series of inherent states of all stages that shear.
fn inherent_files(run_dir: &Path) -> Vec<std::path::PathBuf> {
    files_of(run_dir, "shear")
}

/// The series of all stages with a word in their names.
fn files_of(run_dir: &Path, word: &str) -> Vec<std::path::PathBuf> {
    let listed = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let holds = |stage: &std::path::PathBuf| {
        let name = stage.file_name().unwrap_or_default().to_string_lossy();
        name.contains(word)
    };
    let stages = listed(run_dir).into_iter().filter(holds);
    stages
        .flat_map(|stage| listed(&stage.join("series")))
        .collect()
}

/// Rate, pair and direction in a name such as `rate-1e9-pair-1-plus-inherent.csv`.
fn parts(name: &str) -> Option<(f64, &str, bool)> {
    let rest = name.strip_prefix("rate-")?.strip_suffix("-inherent.csv")?;
    let (rate, rest) = rest.split_once("-pair-")?;
    let (pair, sign) = rest.rsplit_once('-')?;
    let rate = rate.parse().ok().filter(|rate: &f64| *rate > 0.0)?;
    match sign {
        "plus" => Some((rate, pair, true)),
        "minus" => Some((rate, pair, false)),
        _ => None,
    }
}

impl Pair {
    /// Half differences of what changes sign with the strain, means of what does not, as far as both
    /// sides go.
    fn rows(&self) -> Option<Vec<Row>> {
        let (plus, minus) = (self.plus.as_ref()?, self.minus.as_ref()?);
        let column = |name: &str| Some((plus.column(name)?, minus.column(name)?));
        let (strain, energy) = (column("gamma")?, column("energy_per_atom")?);
        let stresses = [
            column("stress_xy")?,
            column("stress_xy_icosahedral")?,
            column("stress_xy_other")?,
        ];
        let icosahedral = column("icosahedral_fraction_of_small")?;
        let odd = |(plus, minus): (&[f64], &[f64]), k: usize| 0.5 * (plus[k] - minus[k]);
        let even = |(plus, minus): (&[f64], &[f64]), k: usize| 0.5 * (plus[k] + minus[k]);
        let states = plus.steps.len().min(minus.steps.len());
        Some(
            (0..states)
                .map(|k| {
                    let [all, inside, other] = stresses.map(|stress| odd(stress, k));
                    [
                        odd(strain, k),
                        even(energy, k) - even(energy, 0),
                        all,
                        inside,
                        other,
                        even(icosahedral, k),
                    ]
                })
                .collect(),
        )
    }
}

/// Row by row as far as all pairs go.
fn averaged(pairs: &[Vec<Row>]) -> Vec<InherentPoint> {
    let states = pairs.iter().map(Vec::len).min().unwrap_or(0);
    (0..states)
        .map(|k| {
            let mean = |column: usize| -> Mean {
                let count = pairs.len() as f64;
                let mean = pairs.iter().map(|rows| rows[k][column]).sum::<f64>() / count;
                let squares: f64 = pairs
                    .iter()
                    .map(|rows| (rows[k][column] - mean).powi(2))
                    .sum();
                let error = (squares / (count * (count - 1.0))).sqrt();
                (mean, (pairs.len() > 1 && error > 0.0).then_some(error))
            };
            InherentPoint {
                strain: mean(0).0,
                energy: mean(1),
                stress: [mean(2), mean(3), mean(4)],
                icosahedral: mean(5),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// Writes inherent states whose stress is 16 γ of one class and 4 γ of the other, on top of an offset.
    fn write(folder: &Path, name: &str, sign: f64, offset: f64, states: usize) {
        let mut text = "# metabasin series 1\nstep,time [tau],gamma,energy_per_atom [epsilon],\
                        stress_xy [epsilon/sigma^3],icosahedral_fraction_of_small,\
                        stress_xy_icosahedral [epsilon/sigma^3],stress_xy_other [epsilon/sigma^3]\n"
            .to_owned();
        for k in 0..states {
            let gamma = sign * 0.01 * k as f64;
            let energy = -7.0 + offset + gamma + 50.0 * gamma * gamma;
            let [inside, other] = [16.0, 4.0].map(|modulus| modulus * gamma + offset);
            let all = 0.25 * inside + 0.75 * other;
            let row = [
                k as f64,
                gamma,
                energy,
                all,
                0.25 - 10.0 * gamma * gamma,
                inside,
                other,
            ];
            let row = row.map(|value| format!("{value:?}"));
            writeln!(text, "{},{}", 10 * k, row.join(",")).unwrap();
        }
        std::fs::write(folder.join(name), text).unwrap();
    }

    #[test]
    fn pairs_are_averaged_and_offsets_drop_out() {
        let run = tempfile::tempdir().unwrap();
        let series = run.path().join("03-shear/series");
        std::fs::create_dir_all(&series).unwrap();
        for (pair, offset) in [(1, 0.2), (2, -0.1)] {
            for (sign, word) in [(1.0, "plus"), (-1.0, "minus")] {
                let name = format!("rate-1e9-pair-{pair}-{word}-inherent.csv");
                write(&series, &name, sign, offset, if pair == 1 { 4 } else { 5 });
            }
        }
        write(&series, "rate-1e7-pair-1-plus-inherent.csv", 1.0, 0.0, 3);
        write(&series, "rate-1e8-pair-1-plus-inherent.csv", 1.0, 0.0, 3);
        write(&series, "rate-1e8-pair-1-minus-inherent.csv", -1.0, 0.3, 3);
        std::fs::write(series.join("rate-1e9-pair-1-plus.csv"), "other").unwrap();
        let found = inherent_loadings(run.path()).unwrap();
        // A pair of one side says nothing.
        let rates: Vec<f64> = found
            .iter()
            .map(|loading| loading.rate_per_second)
            .collect();
        assert_eq!(rates, [1e8, 1e9]);
        let points = &found[1].points;
        assert_eq!(points.len(), 4);
        for (k, point) in points.iter().enumerate() {
            let gamma = 0.01 * k as f64;
            let near = |found: Mean, expected: f64| (found.0 - expected).abs() < 1e-12;
            assert!((point.strain - gamma).abs() < 1e-12);
            assert!(near(point.energy, 50.0 * gamma * gamma));
            assert!(near(point.stress[0], 7.0 * gamma));
            assert!(near(point.stress[1], 16.0 * gamma) && near(point.stress[2], 4.0 * gamma));
            assert!(near(point.icosahedral, 0.25 - 10.0 * gamma * gamma));
        }
        assert_eq!(found[0].points[1].energy.1, None);
        assert!(found.iter().all(|loading| loading.zero_load.is_empty()));
        std::fs::write(series.join("rate-1e9-pair-3-plus-inherent.csv"), "broken").unwrap();
        assert!(inherent_loadings(run.path()).is_err());
    }

    #[test]
    fn aging_at_zero_load_is_told_at_rate_times_time() {
        let run = tempfile::tempdir().unwrap();
        let [sheared, relaxed] = ["03-shear", "06-relax"].map(|stage| {
            let folder = run.path().join(stage).join("series");
            std::fs::create_dir_all(&folder).unwrap();
            folder
        });
        for (rate, sign, word) in [
            ("1e9", 1.0, "plus"),
            ("1e9", -1.0, "minus"),
            ("2e9", 1.0, "plus"),
            ("2e9", -1.0, "minus"),
        ] {
            write(
                &sheared,
                &format!("rate-{rate}-pair-1-{word}-inherent.csv"),
                sign,
                0.0,
                4,
            );
        }
        for (copy, stress) in [(1, 0.5), (2, -0.1)] {
            let mut text = "# metabasin series 1\nstep,time_mapped [s],energy_per_atom [epsilon],\
                            stress_xy [epsilon/sigma^3],icosahedral_fraction_of_small,\
                            stress_xy_icosahedral [epsilon/sigma^3],stress_xy_other [epsilon/sigma^3]\n"
                .to_owned();
            for k in 0..5 {
                let (seconds, aged) = (1e-11 * f64::from(k), 0.001 * f64::from(k));
                let energy = -7.0 - aged * f64::from(copy);
                let xy = stress + aged;
                writeln!(text, "{k},{seconds:?},{energy:?},{xy:?},0.25,{xy:?},{xy:?}").unwrap();
            }
            std::fs::write(relaxed.join(format!("copy-{copy}-inherent.csv")), text).unwrap();
        }
        std::fs::write(relaxed.join("copy-1.csv"), "other").unwrap();
        let found = inherent_loadings(run.path()).unwrap();
        // Up to the last strain of the loading, 0.03.
        for (loading, step, count) in [(&found[0], 0.01, 4), (&found[1], 0.02, 2)] {
            assert_eq!(loading.zero_load.len(), count);
            for (k, point) in loading.zero_load.iter().enumerate() {
                let aged = 0.001 * k as f64;
                assert!((point.strain - step * k as f64).abs() < 1e-12);
                assert!((point.energy.0 + 1.5 * aged).abs() < 1e-12);
                assert!((point.stress[0].0 - aged).abs() < 1e-12);
                assert_eq!(point.icosahedral.0, 0.25);
            }
        }
    }
}
