//! A medium, excitations in it and what a run shows.

use std::ops::ControlFlow;

use metabasin_atoms::PlasticVolume;
use metabasin_atoms::units::Temperature;
use metabasin_eshelby::*;

pub const KT: f64 = 0.28;
pub const MU: f64 = 18.0;
pub const NU: f64 = 0.35;

pub fn medium() -> Elasticity {
    Elasticity::new(MU, NU).unwrap()
}

pub fn shear(component: f64) -> PlasticVolume {
    PlasticVolume([0.0, 0.0, 0.0, component, 0.0, 0.0])
}

pub fn excitation(barrier: f64, energy_final: f64, saddle: f64, plastic: f64) -> Excitation {
    Excitation {
        event: 1,
        barrier,
        energy_final,
        plastic_saddle: shear(saddle),
        plastic_final: shear(plastic),
        attempt_forward: 3.6,
        attempt_reverse: 3.6,
        structure_class: None,
    }
}

pub fn settings(edge: usize) -> KmcSettings {
    KmcSettings {
        sites_per_edge: edge,
        temperature: Temperature::Reduced(KT),
        floor: Floor::None,
        ..KmcSettings::default()
    }
}

pub fn stage(load: Load, rows: Rows) -> Protocol {
    let stages = vec![Stage {
        name: "only".into(),
        load,
        rows,
        zeroes_strain: false,
    }];
    Protocol { stages }
}

#[derive(Default)]
pub struct Record {
    pub rows: Vec<Row>,
    pub events: Vec<Event>,
}

impl Observer for Record {
    fn row(&mut self, row: &Row, _: &Simulation) -> ControlFlow<()> {
        self.rows.push(row.clone());
        ControlFlow::Continue(())
    }

    fn event(&mut self, event: &Event) {
        self.events.push(*event);
    }
}
