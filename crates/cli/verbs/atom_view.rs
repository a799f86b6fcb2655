//! Structures and events as a view in three dimensions.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use metabasin_pipeline::{
    AtomColumn, AtomPicture, AtomProperty, EventMotion, PicturedBonds, PipelineError, Radii,
    event_picture,
};
use metabasin_report::{AtomView, BondSet, ViewColumn, ViewValues, ViewedEvent};

/// Where no mover is known, arrows are drawn of displacements of at least this `[length]`.
const ARROWS_FROM: f64 = 0.3;

/// A structure in three dimensions; the caller gives it title and caveats. `movers` is the displacement beyond which
/// an atom moved.
pub fn atom_view(picture: AtomPicture, movers: Option<f64>) -> AtomView {
    let mut columns = vec![species(&picture)];
    columns.extend(picture.table.columns.iter().map(column));
    if let Some(displacements) = &picture.displacements {
        let length = |u: &[f64; 3]| u.iter().map(|c| c * c).sum::<f64>().sqrt();
        columns.push(ViewColumn {
            name: "displacement".to_owned(),
            label: "displacement".to_owned(),
            unit: "σ".to_owned(),
            values: ViewValues::Numbers(displacements.iter().map(length).collect()),
        });
    }
    // The class says more at first sight than the species.
    if let Some(class) = columns.iter().position(|column| column.name == "class") {
        let class = columns.remove(class);
        columns.insert(0, class);
    }
    AtomView {
        cell: picture.cell,
        positions: picture.positions,
        radii: picture.radii,
        ids: picture.ids,
        columns,
        bonds: bond_sets(picture.bonds),
        displacements: picture.displacements,
        arrows_from: movers.unwrap_or(ARROWS_FROM),
        command: command(std::env::args_os().skip(1)),
        ..AtomView::default()
    }
}

fn species(picture: &AtomPicture) -> ViewColumn {
    let (numbers, names) = &picture.species;
    let name = |number: u8| {
        let own = names
            .as_ref()
            .and_then(|names| names.get(usize::from(number) - 1).cloned());
        own.unwrap_or_else(|| match number {
            1 => "1, large".to_owned(),
            2 => "2, small".to_owned(),
            _ => number.to_string(),
        })
    };
    let texts: Vec<String> = numbers.iter().map(|&number| name(number)).collect();
    named("species", "species", texts.iter().map(String::as_str))
}

/// A column of names, which stand in the order of the alphabet.
fn named<'a>(name: &str, label: &str, values: impl Iterator<Item = &'a str>) -> ViewColumn {
    let values: Vec<&str> = values.collect();
    let mut places: BTreeMap<&str, u8> = values.iter().map(|&value| (value, 0)).collect();
    for (place, of_name) in (0..).zip(places.values_mut()) {
        *of_name = place;
    }
    ViewColumn {
        name: name.to_owned(),
        label: label.to_owned(),
        unit: String::new(),
        values: ViewValues::Names {
            of_atoms: values.iter().map(|value| places[value]).collect(),
            names: places.into_keys().map(str::to_owned).collect(),
        },
    }
}

fn column(property: &AtomProperty) -> ViewColumn {
    let numbers = |values: Vec<f64>| ViewColumn {
        name: property.name.to_owned(),
        label: property.label.to_owned(),
        unit: property.unit.to_owned(),
        values: ViewValues::Numbers(values),
    };
    match &property.values {
        AtomColumn::Reals(values) => numbers(values.clone()),
        AtomColumn::Integers(values) => numbers(values.iter().map(|&value| value as f64).collect()),
        AtomColumn::Names(values) => named(
            property.name,
            property.label,
            values.iter().map(String::as_str),
        ),
    }
}

fn bond_sets(bonds: PicturedBonds) -> Vec<BondSet> {
    let [four, six, others] = bonds.disclinations;
    let sets = [
        ("icosahedral network", "#e69f00", 0.07, bonds.icosahedral),
        ("disclinations of order 4", "#0072b2", 0.055, four),
        ("disclinations of order 6", "#d55e00", 0.055, six),
        ("of other orders", "#7a7a7a", 0.055, others),
    ];
    sets.into_iter()
        .filter(|(.., bonds)| !bonds.is_empty())
        .map(|(label, color, radius, bonds)| BondSet {
            label: label.to_owned(),
            color,
            radius,
            shown: false,
            bonds,
        })
        .collect()
}

/// The events of a catalogue in the minimum that they start from.
pub fn events_view(catalogue: &Path, below: Option<f64>) -> Result<AtomView, PipelineError> {
    let pictured = event_picture(catalogue, below, &Radii::half_sigma())?;
    let (atoms, events) = (pictured.minimum.ids.len(), pictured.events.len());
    let mut view = atom_view(pictured.minimum, None);
    view.title = file_name(catalogue);
    let below = below.map_or(String::new(), |below| format!(" below {below} ε"));
    view.subtitle = format!("{events} events{below} out of the minimum of {atoms} atoms");
    view.caveats = vec![
        "Between minimum, saddle and end state atoms go straight; only these three states are stored."
            .to_owned(),
    ];
    // The script fills it by the event that is shown.
    view.columns.push(ViewColumn {
        name: "to_end".to_owned(),
        label: "displacement to the end".to_owned(),
        unit: "σ".to_owned(),
        values: ViewValues::Numbers(vec![0.0; atoms]),
    });
    view.events = pictured.events.into_iter().map(viewed).collect();
    Ok(view)
}

/// The events of a catalogue as a page.
pub fn events_html(catalogue: &Path, below: Option<f64>) -> Result<String, PipelineError> {
    let view = events_view(catalogue, below)?;
    if view.events.is_empty() {
        return Err(PipelineError::BadInput(format!(
            "{}: no verified event{}: there is nothing to show",
            catalogue.display(),
            below.map_or(String::new(), |below| format!(
                " with a barrier below {below}"
            ))
        )));
    }
    view.to_html()
        .map_err(|error| PipelineError::Failed(error.to_string()))
}

fn viewed(event: EventMotion) -> ViewedEvent {
    ViewedEvent {
        id: event.id,
        barrier: event.barrier,
        barrier_reverse: event.barrier_reverse,
        activation_volume: event.activation_volume,
        participation: event.participation,
        largest: event.largest,
        structure_class: event.structure_class,
        center: event.center,
        atoms: event.atoms,
        to_saddle: event.to_saddle,
        to_end: event.to_end,
    }
}

/// The last part of a path.
pub fn file_name(path: &Path) -> String {
    let last = path.file_name().unwrap_or(path.as_os_str());
    last.to_string_lossy().into_owned()
}

/// The command line, quoted where a shell would take it apart.
pub fn command(arguments: impl Iterator<Item = OsString>) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=:+".contains(c);
    let mut words = vec!["metabasin".to_owned()];
    for argument in arguments {
        let word = argument.to_string_lossy();
        if !word.is_empty() && word.chars().all(plain) {
            words.push(word.into_owned());
        } else {
            words.push(format!("'{}'", word.replace('\'', r"'\''")));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_and_quotes_are_quoted() {
        let words = ["analyze", "my glass.data", "it's", "--tail", "0.3,0.6", ""];
        let shown = command(words.iter().map(OsString::from));
        assert_eq!(
            shown,
            r"metabasin analyze 'my glass.data' 'it'\''s' --tail 0.3,0.6 ''"
        );
    }
}
