//! A config written as RON and read back is the same config.
#![cfg(test)]

use std::path::{Path, PathBuf};

use metabasin_atoms::units::{Duration, StrainRate, Temperature};
use metabasin_eshelby::{CellShape, ElasticSites, Floor, KmcSettings, Orientations};
use metabasin_interactions::{Cut, Precision};
use metabasin_landscape::{RateSettings, SearchSettings};
use metabasin_pipeline::config::{
    BarostatChoice, CompareStage, CreepStage, CycleStage, EquilibrateStage, FromSampleStage,
    HoldStage, KmcStage, LoadedConfig, Pairs, PrepareStage, RecoverStage, RelaxStage, RunConfig,
    SearchStage, ShearStage, Stage, SwapStage, ThermostatChoice, UnloadStage, load_text,
};
use metabasin_pipeline::{CoverageGoal, KernelChoice, SettleSettings};
use proptest::prelude::*;
use ron::extensions::Extensions;
use ron::ser::PrettyConfig;

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0.1..1e4_f64).prop_map(Duration::Tau),
        (1e-13..1e-9_f64).prop_map(Duration::Seconds),
    ]
}

fn temperatures() -> impl Strategy<Value = Temperature> {
    prop_oneof![
        (0.01..1.0_f64).prop_map(Temperature::Reduced),
        (10.0..900.0_f64).prop_map(Temperature::Kelvin),
    ]
}

/// Rates slower than any of [`unload_rates`].
fn rates() -> impl Strategy<Value = Vec<StrainRate>> {
    let rate = prop_oneof![
        (1e4..1e9_f64).prop_map(StrainRate::PerSecond),
        (1e-9..1e-4_f64).prop_map(StrainRate::PerTau),
    ];
    prop::collection::vec(rate, 1..4)
}

fn unload_rates() -> impl Strategy<Value = StrainRate> {
    (1e9..1e12_f64).prop_map(StrainRate::PerSecond)
}

fn first_stages() -> impl Strategy<Value = Stage> {
    let prepare = (
        150..2000_usize,
        temperatures(),
        durations(),
        0.1..0.4_f64,
        durations(),
    );
    prop_oneof![
        prepare.prop_map(
            |(half, melt_temperature, melt_duration, cool_to, cool_duration)| {
                let swap = SwapStage {
                    attempts_per_atom: 100.0 * cool_to,
                    interval: melt_duration,
                };
                Stage::Prepare(PrepareStage {
                    atoms: 2 * half,
                    melt_temperature,
                    melt_duration,
                    melt_density: 1.0 + cool_to,
                    cool_from: Temperature::Reduced(2.0 * cool_to),
                    cool_to: Temperature::Reduced(cool_to),
                    cool_duration,
                    temperature: Some(Temperature::Reduced(1.5 * cool_to))
                        .filter(|_| half % 2 == 0),
                    hold: (half % 3 == 0).then_some(HoldStage {
                        temperature: Some(Temperature::Reduced(1.6 * cool_to))
                            .filter(|_| half % 2 == 0),
                        duration: melt_duration,
                        swap: Some(swap),
                    }),
                    swap: Some(swap).filter(|_| half % 2 == 1),
                    quenches: half,
                })
            }
        ),
        temperatures().prop_map(|temperature| Stage::FromSample(FromSampleStage { temperature })),
    ]
}

fn kmc_settings() -> impl Strategy<Value = KmcSettings> {
    let elastic = prop_oneof![
        Just(ElasticSites::None),
        (0.0..0.9_f64).prop_map(|fraction| ElasticSites::Independent { fraction }),
        (0.0..0.9_f64, 0.5..5.0_f64).prop_map(|(fraction, correlation_length)| {
            ElasticSites::Clustered {
                fraction,
                correlation_length,
            }
        }),
    ];
    let floor = prop_oneof![
        Just(Floor::None),
        (0.0..5.0_f64).prop_map(Floor::Barrier),
        (1.0..1e6_f64).prop_map(Floor::Flips),
    ];
    (
        elastic,
        floor,
        2..64_usize,
        temperatures(),
        any::<bool>(),
        any::<u64>(),
    )
        .prop_map(
            |(elastic_sites, floor, sites_per_edge, temperature, flag, maximum_events)| {
                KmcSettings {
                    sites_per_edge,
                    temperature,
                    interactions: flag,
                    orientations: if flag {
                        Orientations::Cubic
                    } else {
                        Orientations::Catalogued
                    },
                    cell: if flag {
                        CellShape::Free
                    } else {
                        CellShape::Fixed
                    },
                    elastic_sites,
                    floor,
                    maximum_events,
                    ..KmcSettings::default()
                }
            },
        )
}

prop_compose! {
    fn loading()(
        rates in rates(),
        unload_rate in unload_rates(),
        strain in 1e-3..0.5_f64,
        (pairs, quenches, searches) in (1..9_usize, 2..50_usize, 1..u64::MAX),
        duration in prop::option::of(durations()),
        temperature in prop::option::of(temperatures()),
        settings in kmc_settings(),
        force_tolerance in 1e-9..1e-3_f64,
    ) -> Vec<Stage> {
        vec![
            Stage::Equilibrate(EquilibrateStage { duration: Duration::Tau(10.0 + strain), quenches }),
            Stage::Shear(ShearStage {
                pairs: if pairs % 2 == 0 {
                    Pairs::Each(pairs)
                } else {
                    Pairs::ByRate((0..rates.len()).map(|k| k + pairs).collect())
                },
                rates: rates.clone(),
                strain,
                quenches,
            }),
            Stage::Unload(UnloadStage { unload_rate }),
            Stage::Recover(RecoverStage { quenches }),
            Stage::Relax(RelaxStage { copies: pairs, duration, quenches }),
            Stage::Creep(CreepStage {
                stresses: vec![strain, 2.0 * strain],
                duration: Duration::Tau(20.0 * strain),
                pairs,
                quenches,
            }),
            Stage::Cycle(CycleStage {
                amplitude: strain,
                period: Duration::Tau(20.0 * strain),
                cycles: 1 + searches % 1000,
                copies: pairs,
                quenches,
            }),
            Stage::Search(SearchStage {
                searches,
                settle: Some(SettleSettings { barrier: strain, searches: Some(searches) }),
                until: Some(CoverageGoal { coverage: 0.5, window: Some(strain) }),
                attempt_frequency_per_second: 1e13 * strain,
                settings: SearchSettings { force_tolerance, ..SearchSettings::default() },
                rates: Some(RateSettings { prefactor_radius: 30.0 * strain, core_threshold: strain }),
            }),
            Stage::Kmc(KmcStage { rates, unload_rate, strain, temperature, pairs, settings }),
            Stage::Compare(CompareStage {}),
        ]
    }
}

fn thermostats() -> impl Strategy<Value = ThermostatChoice> {
    let time = || (0.2..5.0_f64).prop_map(Duration::Tau);
    prop_oneof![
        (time(), 1..6_usize).prop_map(|(time_constant, length)| {
            ThermostatChoice::NoseHooverChain {
                time_constant,
                length,
            }
        }),
        time().prop_map(|time_constant| ThermostatChoice::VelocityRescaling { time_constant }),
        time().prop_map(|time_constant| ThermostatChoice::Langevin { time_constant }),
    ]
}

fn barostats() -> impl Strategy<Value = BarostatChoice> {
    let time = || (0.2..5.0_f64).prop_map(Duration::Tau);
    prop_oneof![
        time().prop_map(|time_constant| BarostatChoice::Isotropic { time_constant }),
        time().prop_map(|time_constant| BarostatChoice::FullCell { time_constant }),
        time().prop_map(|time_constant| BarostatChoice::StochasticCellRescaling { time_constant }),
    ]
}

prop_compose! {
    fn configs()(
        // Quotes, backslashes, line ends and letters of any alphabet.
        title in "[ -~äσ字\n\t]{0,20}",
        seed in any::<u64>(),
        cut in prop::sample::select(vec![Cut::Truncated, Cut::Shifted, Cut::Smooth]),
        kernel in prop::sample::select(vec![KernelChoice::Auto, KernelChoice::Portable]),
        precision in prop::sample::select(vec![Precision::Double, Precision::Mixed]),
        time_step in 1e-4..0.02_f64,
        (thermostat, barostat) in (prop::option::of(thermostats()), prop::option::of(barostats())),
        sample in "[a-z \\\\\"./]{1,20}",
        catalogue in prop::option::of("[a-z]{1,9}"),
        first in first_stages(),
        rest in loading(),
    ) -> RunConfig {
        RunConfig {
            title,
            seed,
            cut,
            kernel,
            precision,
            time_step: Duration::Tau(time_step),
            thermostat,
            barostat,
            sample: (!matches!(first, Stage::Prepare(_))).then(|| PathBuf::from(sample)),
            catalogue: catalogue.map(PathBuf::from),
            replicas: if matches!(first, Stage::Prepare(_)) {
                1 + seed as usize % 9
            } else {
                1
            },
            stages: std::iter::once(first).chain(rest).collect(),
        }
    }
}

/// The dialect of RON that configs are written in: no `Some`, no doubled parentheses.
fn dialect() -> ron::Options {
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES)
}

fn read(text: &str, edits: &[String]) -> Result<LoadedConfig, TestCaseError> {
    load_text(text, Path::new("written.ron"), edits)
        .map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))
}

proptest! {
    #[test]
    fn a_config_survives_being_written_and_read(config in configs()) {
        let lines = PrettyConfig::default();
        for text in [
            dialect().to_string(&config).unwrap(),
            dialect().to_string_pretty(&config, lines).unwrap(),
        ] {
            let loaded = read(&text, &[])?;
            prop_assert_eq!(&loaded.config, &config);
            prop_assert_eq!(&loaded.text, &text);
        }
    }

    #[test]
    fn an_edit_changes_its_field_and_nothing_else(
        config in configs(),
        seed in any::<u64>(),
        title in "[a-z=\\[\\]\" ]{0,12}",
    ) {
        let text = dialect().to_string_pretty(&config, PrettyConfig::default()).unwrap();
        let edits = [format!("title={title:?}"), format!("seed={seed}")];
        let loaded = read(&text, &edits)?;
        prop_assert_eq!(loaded.config, RunConfig { seed, title, ..config });
    }
}
