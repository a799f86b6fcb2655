//! Absorbing chains against what can be computed by hand, and against kinetic Monte Carlo.
#![cfg(test)]

use metabasin_atomistic::{AbsorbingChain, ChainError};
use metabasin_atoms::{Purpose, random_stream};
use rand::RngExt;
use rand_pcg::Pcg64;

fn close(a: f64, b: f64, relative: f64) {
    assert!((a / b - 1.0).abs() < relative, "{a:e} is not {b:e}");
}

/// A pair that flickers a trillion times before its second state is left.
fn flicker(slow: f64) -> AbsorbingChain {
    AbsorbingChain::new(vec![0.0, 2.0, 3.0, 0.0], vec![0.0, slow]).unwrap()
}

#[test]
fn a_flickering_pair_is_left_after_the_time_that_algebra_says() {
    // τ_0 = 1/a + τ_1, τ_1 = 1/(b + κ) + b/(b + κ) τ_0, so τ_0 = (a + b + κ)/(a κ).
    for slow in [1e-12, 1e-3, 1.0, 1e6] {
        let passage = flicker(slow).first_passage(0);
        close(passage.mean_time, (5.0 + slow) / (2.0 * slow), 1e-14);
        assert_eq!(passage.left_from, [0.0, 1.0]);
    }
}

#[test]
fn the_median_of_a_slow_leak_is_ln_two_times_its_mean() {
    // Left at rate κ π_1 with π_1 = 2/5, to relative order κ: an exponential.
    for slow in [1e-14, 1e-9] {
        let mut propagator = flicker(slow).propagator();
        let exit = propagator.exit(0, 0.5);
        close(exit.time, 2.0_f64.ln() / (0.4 * slow), 1e-8);
        assert!(exit.weights[0] == 0.0 && exit.weights[1] > 0.0);
        // Until then it is in local equilibrium.
        let inside = propagator.state_at(0, exit.time);
        close(inside[1] / inside[0], 2.0 / 3.0, 1e-8);
        close(inside[0] + inside[1], 0.5, 1e-8);
    }
}

#[test]
fn a_state_alone_is_left_like_any_poisson_process() {
    let mut propagator = AbsorbingChain::new(vec![0.0], vec![0.37])
        .unwrap()
        .propagator();
    for survival in [1.0 - 1e-6, 0.9, 0.3, 1e-12] {
        close(
            propagator.exit(0, survival).time,
            -f64::ln(survival) / 0.37,
            1e-9,
        );
    }
    close(propagator.state_at(0, 2.0)[0], (-0.74_f64).exp(), 1e-12);
}

#[test]
fn two_states_relax_as_the_exponential_says() {
    // p_1(t) = a/(a + b) (1 − exp(−(a + b) t)) without an exit.
    let chain = AbsorbingChain::new(vec![0.0, 2.0, 3.0, 0.0], vec![0.0, 0.0]).unwrap();
    let mut propagator = chain.propagator();
    for time in [1e-7, 0.01, 0.3, 4.0, 1e12] {
        let inside = propagator.state_at(0, time);
        close(inside[1], 0.4 * -f64::exp_m1(-5.0 * time), 1e-10);
        close(inside[0] + inside[1], 1.0, 1e-12);
    }
    assert!(propagator.exit(0, 0.5).time.is_infinite());
    assert!(chain.first_passage(0).mean_time.is_infinite());
}

#[test]
fn a_one_way_line_takes_the_sum_of_its_times() {
    let n = 7;
    let mut hops = vec![0.0; n * n];
    for i in 0..n - 1 {
        hops[i * n + i + 1] = 10.0_f64.powi(i as i32 - 3);
    }
    let mut exits = vec![0.0; n];
    exits[n - 1] = 0.5;
    let chain = AbsorbingChain::new(hops, exits).unwrap();
    let sum: f64 = (0..n - 1).map(|i| 10.0_f64.powi(3 - i as i32)).sum();
    close(chain.first_passage(0).mean_time, sum + 2.0, 1e-14);
    close(chain.first_passage(n - 1).mean_time, 2.0, 1e-14);
}

#[test]
fn a_symmetric_line_is_left_by_the_gambler_s_odds() {
    // Hops to both sides at rate one, states 1..n of a line whose ends 0 and n + 1 absorb: from
    // state m the upper end with probability m / (n + 1), after m (n + 1 − m) / 2.
    let n = 9;
    let mut hops = vec![0.0; n * n];
    for i in 0..n - 1 {
        hops[i * n + i + 1] = 1.0;
        hops[(i + 1) * n + i] = 1.0;
    }
    let mut exits = vec![0.0; n];
    exits[0] = 1.0;
    exits[n - 1] = 1.0;
    let chain = AbsorbingChain::new(hops, exits).unwrap();
    for start in 0..n {
        let m = (start + 1) as f64;
        let passage = chain.first_passage(start);
        close(passage.left_from[n - 1], m / 10.0, 1e-13);
        close(passage.mean_time, m * (10.0 - m) / 2.0, 1e-13);
    }
}

/// A connected graph with detailed balance: levels, barriers and exits drawn at random, rates
/// spread over `decades`.
fn random_chain(random: &mut Pcg64, n: usize, decades: f64) -> AbsorbingChain {
    let scale = decades * std::f64::consts::LN_10;
    let levels: Vec<f64> = (0..n)
        .map(|_| 0.2 * scale * random.random::<f64>())
        .collect();
    let mut hops = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..i {
            if j + 1 == i || random.random::<f64>() < 0.3 {
                let saddle = levels[i].max(levels[j]) + 0.5 * scale * random.random::<f64>();
                hops[i * n + j] = (levels[i] - saddle).exp();
                hops[j * n + i] = (levels[j] - saddle).exp();
            }
        }
    }
    let exits = (0..n)
        .map(|_| (-scale * (0.3 + 0.7 * random.random::<f64>())).exp())
        .collect();
    AbsorbingChain::new(hops, exits).unwrap()
}

/// Hop by hop: time and last state.
fn hop_by_hop(chain: &AbsorbingChain, start: usize, random: &mut Pcg64) -> (f64, usize) {
    let (mut state, mut time) = (start, 0.0);
    loop {
        let total = chain.total(state);
        time += -(1.0 - random.random::<f64>()).ln() / total;
        let mut mark = random.random::<f64>() * total;
        let next = (0..chain.len()).find(|&j| {
            mark -= chain.hop(state, j);
            mark < 0.0
        });
        match next {
            Some(next) => state = next,
            None => return (time, state),
        }
    }
}

/// Largest distance of two empirical distributions.
fn kolmogorov_smirnov(mut a: Vec<f64>, mut b: Vec<f64>) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let below = |sorted: &[f64], x: f64| sorted.partition_point(|y| *y <= x) as f64;
    a.iter()
        .chain(&b)
        .map(|&x| (below(&a, x) / a.len() as f64 - below(&b, x) / b.len() as f64).abs())
        .fold(0.0, f64::max)
}

#[test]
fn random_graphs_are_left_as_kinetic_monte_carlo_leaves_them() {
    // Eight graphs, two tests each. Kolmogorov-Smirnov: P(D √(m/2) > 2.4) = 2 exp(−2 · 2.4²)
    // = 2e-5; exit states by a binomial at 4.5 standard errors, 7e-6 each, 6 states: false alarms
    // in 5e-4 of all seeds. Times 30 % off are refused.
    let draws = 4000;
    for graph in 0..8 {
        let mut random = random_stream(3, Purpose::Test, 0, graph);
        let chain = random_chain(&mut random, 6, 2.0);
        let exact = chain.first_passage(0);
        let mut propagator = chain.propagator();
        let (mut times, mut reference) = (Vec::new(), Vec::new());
        let mut left = [0.0; 6];
        for _ in 0..draws {
            let exit = propagator.exit(0, 1.0 - random.random::<f64>());
            times.push(exit.time);
            let total: f64 = exit.weights.iter().sum();
            for (sum, weight) in left.iter_mut().zip(&exit.weights) {
                *sum += weight / total;
            }
            reference.push(hop_by_hop(&chain, 0, &mut random).0);
        }
        let bound = 2.4 / (f64::from(draws) / 2.0).sqrt();
        assert!(kolmogorov_smirnov(times.clone(), reference.clone()) < bound);
        let slower: Vec<f64> = times.iter().map(|time| 1.3 * time).collect();
        assert!(kolmogorov_smirnov(slower, reference) > bound);
        for (state, sum) in left.iter().enumerate() {
            let p = exact.left_from[state];
            // Rao-Blackwell weights scatter less than the binomial.
            let error = (p * (1.0 - p) / f64::from(draws)).sqrt();
            assert!((sum / f64::from(draws) - p).abs() < 4.5 * error);
        }
    }
}

#[test]
fn elimination_and_doubling_agree_where_rates_are_fifteen_decades_apart() {
    // ∫S dt by Gauss-Legendre in the survival variable: with w the survival, mean time = ∫t dw. The
    // time is very nearly −τ ln w, for which 400 midpoints are good to 2e-3 (error of the last
    // interval, 1/800).
    for graph in 0..6 {
        let mut random = random_stream(4, Purpose::Test, 0, graph);
        let chain = random_chain(&mut random, 12, 15.0);
        let exact = chain.first_passage(5);
        let mut propagator = chain.propagator();
        let points = 400;
        let mean = (0..points)
            .map(|k| (f64::from(k) + 0.5) / f64::from(points))
            .map(|survival| propagator.exit(5, survival).time)
            .sum::<f64>()
            / f64::from(points);
        close(mean, exact.mean_time, 3e-3);
        assert!((exact.left_from.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn rates_that_make_no_chain_are_refused() {
    assert_eq!(AbsorbingChain::new(vec![], vec![]), Err(ChainError::Empty));
    assert!(matches!(
        AbsorbingChain::new(vec![0.0; 3], vec![0.0; 2]),
        Err(ChainError::Dimension { states: 2, .. })
    ));
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            AbsorbingChain::new(vec![0.0, 1.0, wrong, 0.0], vec![0.0; 2]),
            Err(ChainError::Rate { from: 1, .. })
        ));
    }
}
