//! Bonds by their order, before and after the modified radical Voronoi step.

use std::collections::BTreeMap;

use super::Figure;
use crate::number::fixed;
use crate::plot::{Axis, Bar, COLORS, Layer, Plot, Shape};

/// Share of the bonds from which on an order is drawn.
const LEAST_SHARE: f64 = 5e-4;

/// Shares of the bonds of each order, before and after the modified radical Voronoi step.
pub fn bond_orders(standard: &BTreeMap<u32, usize>, modified: &BTreeMap<u32, usize>) -> Figure {
    let total = |orders: &BTreeMap<u32, usize>| orders.values().sum::<usize>().max(1) as f64;
    let bars = |orders: &BTreeMap<u32, usize>, from: f64| {
        let all = total(orders);
        let bar = |(&order, &count): (&u32, &usize)| Bar {
            from: f64::from(order) + from,
            to: f64::from(order) + from + 0.38,
            base: 0.0,
            top: 100.0 * count as f64 / all,
        };
        let shown = |count: &usize| *count as f64 >= LEAST_SHARE * all;
        let orders = orders.iter().filter(|(_, count)| shown(count));
        orders.map(bar).collect::<Vec<Bar>>()
    };
    let layer = |orders, from, color, hatched, label: &str| {
        let shape = Shape::Bars {
            bars: bars(orders, from),
            hatched,
        };
        let layer = Layer::new(color, shape).labeled(label);
        if hatched {
            layer
        } else {
            layer.with_opacity(0.8)
        }
    };
    let share = |order: u32| {
        let count = modified.get(&order).copied().unwrap_or(0);
        fixed(100.0 * count as f64 / total(modified), 2)
    };
    let mut layers = Vec::new();
    if !standard.is_empty() {
        layers.push(layer(standard, -0.39, COLORS[1], true, "radical Voronoi"));
        layers.push(layer(
            modified,
            0.01,
            COLORS[0],
            false,
            "after the modified step",
        ));
    }
    Figure {
        plot: Plot {
            name: "bond-orders".to_owned(),
            title: "Bond order by common neighbors".to_owned(),
            x: Axis::linear("Order of the bond", ""),
            y: Axis::linear("Share of the bonds", "%").including(0.0),
            layers,
            notes: [4, 5, 6].map(|order| format!("order {order}: {} %", share(order))).into(),
            empty_reason: "there are no bonds".to_owned(),
        },
        caption: "Bonds between atoms whose Voronoi cells share a face, by the number of common neighbors, before and after \
                  the modified radical Voronoi step, smallest face first. Bonds of order 5 are free of defect, those of \
                  order 4 and 6 are pieces of disclination lines. Orders of fewer than 0.05 % of the bonds are not drawn."
            .to_owned(),
        source: "metabasin analyze --json, bond_order_standard and bond_order".to_owned(),
        stages: &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_bonds_of_their_own_network() {
        let figure = bond_orders(
            &BTreeMap::from([(3, 10), (4, 90), (5, 500), (6, 400)]),
            &BTreeMap::from([(4, 100), (5, 500), (6, 200)]),
        );
        assert_eq!(figure.plot.notes[0], "order 4: 12.50 %");
        let tops = |layer: &Layer| match &layer.shape {
            Shape::Bars { bars, .. } => bars.iter().map(|bar| bar.top).collect::<Vec<f64>>(),
            _ => panic!("no bars"),
        };
        assert_eq!(tops(&figure.plot.layers[0]), [1.0, 9.0, 50.0, 40.0]);
        assert_eq!(tops(&figure.plot.layers[1]), [12.5, 62.5, 25.0]);
        let empty = bond_orders(&BTreeMap::new(), &BTreeMap::new());
        assert!(empty.plot.is_empty() && empty.plot.to_svg().contains("there are no bonds"));
    }
}
