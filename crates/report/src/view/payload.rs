//! The atoms of a view as the script reads them: JSON with typed arrays in base64, little-endian.

use serde_json::{Value, json};

use super::{AtomView, BondSet, ViewColumn, ViewValues, ViewedEvent};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(4 * bytes.len().div_ceil(3));
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0, |number, k| {
            number << 8 | u32::from(chunk.get(k).copied().unwrap_or(0))
        });
        for k in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * k) & 63) as usize];
            text.push(if k <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

/// Single precision is far more than a picture shows.
fn reals(values: impl IntoIterator<Item = f64>) -> String {
    let bytes: Vec<u8> = values
        .into_iter()
        .flat_map(|value| (value as f32).to_le_bytes())
        .collect();
    base64(&bytes)
}

fn vectors(values: &[[f64; 3]]) -> String {
    reals(values.iter().flatten().copied())
}

fn wholes(values: impl IntoIterator<Item = u32>) -> String {
    let bytes: Vec<u8> = values.into_iter().flat_map(u32::to_le_bytes).collect();
    base64(&bytes)
}

fn column(column: &ViewColumn) -> Value {
    let (values, names) = match &column.values {
        ViewValues::Numbers(values) => (reals(values.iter().copied()), None),
        ViewValues::Names { names, of_atoms } => (base64(of_atoms), Some(names)),
    };
    json!({
        "name": column.name, "label": column.label, "unit": column.unit, "values": values, "names": names,
    })
}

fn bond_set(set: &BondSet) -> Value {
    let shifts: Vec<u8> = set
        .bonds
        .iter()
        .flat_map(|(_, shift)| shift.map(|n| n.clamp(-128, 127) as i8 as u8))
        .collect();
    json!({
        "label": set.label, "color": set.color, "radius": set.radius, "shown": set.shown,
        "ends": wholes(set.bonds.iter().flat_map(|(ends, _)| *ends)), "shifts": base64(&shifts),
    })
}

fn event(event: &ViewedEvent) -> Value {
    json!({
        "id": event.id, "barrier": event.barrier, "barrier_reverse": event.barrier_reverse,
        "activation_volume": event.activation_volume, "participation": event.participation,
        "largest": event.largest, "structure_class": event.structure_class, "center": event.center,
        "atoms": wholes(event.atoms.iter().copied()),
        "to_saddle": vectors(&event.to_saddle), "to_end": vectors(&event.to_end),
    })
}

/// The JSON text; no `<` is in it, so it ends no element of the page.
pub(super) fn of(view: &AtomView) -> String {
    let scene = json!({
        "cell": view.cell,
        "positions": vectors(&view.positions),
        "radii": reals(view.radii.iter().copied()),
        "ids": view.ids,
        "columns": view.columns.iter().map(column).collect::<Vec<_>>(),
        "bonds": view.bonds.iter().map(bond_set).collect::<Vec<_>>(),
        "displacements": view.displacements.as_deref().map(vectors),
        "arrows_from": view.arrows_from,
        "events": view.events.iter().map(event).collect::<Vec<_>>(),
    });
    scene.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }

    #[test]
    fn numbers_are_little_endian_and_shifts_signed() {
        assert_eq!(reals([1.0]), base64(&[0, 0, 0x80, 0x3f]));
        assert_eq!(wholes([258]), base64(&[2, 1, 0, 0]));
        let text = of(&super::super::tests::small());
        let scene: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(scene["bonds"][0]["shifts"], base64(&[255, 0, 0]));
        assert_eq!(scene["columns"][0]["names"][0], "</script>");
        assert_eq!(scene["events"][0]["activation_volume"], Value::Null);
        assert!(!text.contains('<'));
    }
}
