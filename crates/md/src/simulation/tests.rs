//! What every simulation must keep.

use crate::{Barostat, Drive, Dynamics, TemperatureSchedule, Thermostat};

mod cold;
mod conservation;
mod ensembles;
mod failures;
mod symmetries;

/// Every combination of thermostat, barostat, ramp and drive, with cell and thermostat light
/// enough to matter within a few τ; all times in multiples of `unit`.
fn ensembles(time_step: f64, unit: f64) -> Vec<(&'static str, Dynamics)> {
    let fast = Dynamics {
        time_step,
        temperature: TemperatureSchedule::Constant(0.28),
        thermostat: Some(Thermostat::NoseHooverChain {
            time_constant: 0.3 * unit,
            length: 3,
        }),
        barostat: Some(Barostat::Isotropic {
            pressure: 0.5,
            time_constant: 1.0 * unit,
        }),
        ..Dynamics::constant_energy(time_step, 0.28)
    };
    let ramp = TemperatureSchedule::Ramp {
        from: 0.28,
        to: 0.2,
        duration: 4.0 * unit,
    };
    let free = Drive::ZeroShearStress {
        time_constant: 1.0 * unit,
    };
    let cycle = Drive::CyclicShear {
        amplitude: 5e-3,
        period: 2.0 * unit,
    };
    let full = Dynamics {
        barostat: Some(Barostat::FullCell {
            pressure: 0.5,
            time_constant: 1.0 * unit,
        }),
        ..fast.clone()
    };
    vec![
        ("NVE", Dynamics::constant_energy(time_step, 0.28)),
        (
            "NVT",
            Dynamics {
                barostat: None,
                ..fast.clone()
            },
        ),
        (
            "NPH",
            Dynamics {
                thermostat: None,
                ..fast.clone()
            },
        ),
        (
            "NPT ramp",
            Dynamics {
                temperature: ramp,
                ..fast.clone()
            },
        ),
        (
            "NPT shear",
            fast.clone().with_drive(Drive::Shear { rate: 5e-3 }),
        ),
        (
            "NVE shear",
            Dynamics::constant_energy(time_step, 0.28).with_drive(Drive::Shear { rate: -5e-3 }),
        ),
        ("NPT zero shear stress", fast.clone().with_drive(free)),
        (
            "NPT creep",
            fast.clone().with_drive(Drive::ConstantShearStress {
                stress: 0.3,
                time_constant: 1.0 * unit,
            }),
        ),
        (
            "NVE creep",
            Dynamics::constant_energy(time_step, 0.28).with_drive(Drive::ConstantShearStress {
                stress: -0.3,
                time_constant: 1.0 * unit,
            }),
        ),
        ("NPT cycle", fast.clone().with_drive(cycle)),
        (
            "full NPH",
            Dynamics {
                thermostat: None,
                ..full.clone()
            },
        ),
        ("full NPT", full.clone()),
        (
            "full NPT shear",
            full.clone().with_drive(Drive::Shear { rate: 5e-3 }),
        ),
        ("full NPT cycle", full.clone().with_drive(cycle)),
        (
            "full NPT creep",
            full.with_drive(Drive::ConstantShearStress {
                stress: 0.3,
                time_constant: 1.0 * unit,
            }),
        ),
    ]
}

/// The same with baths that draw random numbers.
fn random_ensembles(time_step: f64, unit: f64) -> Vec<(&'static str, Dynamics)> {
    let volume = Dynamics::constant_volume(time_step, 0.28);
    let rescaling = Thermostat::VelocityRescaling {
        time_constant: 0.3 * unit,
    };
    let langevin = Thermostat::Langevin {
        time_constant: 0.3 * unit,
    };
    let mut ensembles = Vec::new();
    for (names, thermostat) in [
        (
            [
                "V-rescale",
                "V-rescale NPT",
                "V-rescale full",
                "V-rescale SCR",
            ],
            rescaling,
        ),
        (
            ["Langevin", "Langevin NPT", "Langevin full", "Langevin SCR"],
            langevin,
        ),
    ] {
        let barostats = [
            (None, Drive::None),
            (
                Some(Barostat::Isotropic {
                    pressure: 0.5,
                    time_constant: 1.0 * unit,
                }),
                Drive::ZeroShearStress {
                    time_constant: 1.0 * unit,
                },
            ),
            (
                Some(Barostat::FullCell {
                    pressure: 0.5,
                    time_constant: 1.0 * unit,
                }),
                Drive::None,
            ),
            (
                Some(Barostat::StochasticCellRescaling {
                    pressure: 0.5,
                    time_constant: 0.2 * unit,
                    compressibility: 0.017,
                }),
                Drive::Shear { rate: 5e-3 },
            ),
        ];
        for (name, (barostat, drive)) in names.into_iter().zip(barostats) {
            let dynamics = Dynamics {
                thermostat: Some(thermostat),
                barostat,
                drive,
                ..volume.clone()
            };
            ensembles.push((name, dynamics));
        }
    }
    ensembles
}
