//! Random histories of pushing, joining, leaving and taking, against a naive model that keeps everything.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    Push {
        video: bool,
        key: bool,
        step_ms: u64,
        size: usize,
    },
    Join {
        cached: bool,
        span_ms: u64,
        max_bytes: usize,
    },
    Leave(usize),
    Take(usize, usize),
}

fn op() -> impl Strategy<Value = Op> {
    // Now and then a unit that fills most of the GOP cache, or a pause longer than it spans.
    let size = prop_oneof![30 => 1usize..4000, 1 => 2_000_000usize..9_000_000];
    let step = prop_oneof![40 => 0u64..60, 1 => 5_000u64..12_000];
    prop_oneof![
        10 => (any::<bool>(), prop::bool::weighted(0.2), step, size)
            .prop_map(|(video, key, step_ms, size)| Op::Push { video, key, step_ms, size }),
        1 => (any::<bool>(), 1u64..1500, 1usize..40_000)
            .prop_map(|(cached, span_ms, max_bytes)| Op::Join { cached, span_ms, max_bytes }),
        1 => any::<usize>().prop_map(Op::Leave),
        5 => (any::<usize>(), 0usize..8).prop_map(|(who, count)| Op::Take(who, count)),
    ]
}

/// One consumer beside its model.
struct Pair {
    real: Consumer<Piece>,
    options: ConsumerOptions,
    queued: Vec<Piece>,
    handed: Vec<Piece>,
    open: bool,
    refused: u64,
    resyncs: u64,
}

impl Pair {
    fn fits(&self, extra: &[Piece]) -> bool {
        let all: Vec<&Piece> = self.queued.iter().chain(extra).collect();
        let bytes: usize = all.iter().map(|u| u.size).sum();
        let span = all.last().unwrap().time - all[0].time;
        all.len() == 1
            || (bytes <= self.options.max_bytes
                && u128::from(span) <= self.options.max_span.as_nanos())
    }

    fn model_push(&mut self, unit: &Piece) {
        let started = self.open || self.resyncs > 0;
        if self.fits(std::slice::from_ref(unit)) && (self.open || (unit.video && unit.key)) {
            self.open = true;
            self.queued.push(unit.clone());
        } else if started {
            self.resyncs += u64::from(self.open);
            self.open = false;
            self.refused += 1;
        }
    }

    fn take(&mut self) -> Result<(), TestCaseError> {
        let expected = if self.queued.is_empty() {
            None
        } else {
            Some(self.queued.remove(0))
        };
        match (self.real.try_next(), expected) {
            (Next::Unit(got), Some(want)) => {
                prop_assert_eq!(got.seq, want.seq);
                self.handed.push(got);
            }
            (Next::TimedOut, None) => {}
            (got, want) => prop_assert!(false, "got {got:?}, wanted {want:?}"),
        }
        Ok(())
    }

    /// The promises themselves, whatever the model says.
    fn check(&self) -> Result<(), TestCaseError> {
        if let Some(first) = self.handed.first() {
            prop_assert!(
                first.video && first.key,
                "starts with a keyframe: {first:?}"
            );
        }
        for pair in self.handed.windows(2) {
            let follows = pair[1].seq == pair[0].seq + 1;
            let resync = pair[1].seq > pair[0].seq && pair[1].video && pair[1].key;
            prop_assert!(follows || resync, "a broken reference: {pair:?}");
        }
        let stats = self.real.stats();
        prop_assert_eq!(stats.delivered, self.handed.len() as u64);
        prop_assert_eq!(stats.refused, self.refused);
        prop_assert_eq!(stats.resyncs, self.resyncs);
        if self.queued.len() > 1 {
            prop_assert!(stats.queued_bytes <= self.options.max_bytes);
            prop_assert!(u128::from(stats.queued_ns) <= self.options.max_span.as_nanos());
        }
        Ok(())
    }
}

/// From the last keyframe on, if that is within the bounds of the cache.
fn cached(log: &[Piece]) -> &[Piece] {
    let Some(start) = log.iter().rposition(|u| u.video && u.key) else {
        return &[];
    };
    let gop = &log[start..];
    let bytes: usize = gop.iter().map(|u| u.size).sum();
    let span = gop[gop.len() - 1].time - gop[0].time;
    if bytes > cache::MAX_BYTES || span > cache::MAX_SPAN_NS {
        return &[];
    }
    gop
}

fn join(fanout: &Fanout<Piece>, log: &[Piece], op: &Op) -> Pair {
    let &Op::Join {
        cached: wants_cache,
        span_ms,
        max_bytes,
    } = op
    else {
        unreachable!("only called for Join");
    };
    let start = if wants_cache {
        Start::CachedGop
    } else {
        Start::NextKeyframe
    };
    let options = options(start, span_ms, max_bytes);
    let mut pair = Pair {
        real: fanout.subscribe(options.clone()),
        options,
        queued: Vec::new(),
        handed: Vec::new(),
        open: false,
        refused: 0,
        resyncs: 0,
    };
    let gop = cached(log);
    if wants_cache && !gop.is_empty() && pair.fits(gop) {
        pair.queued = gop.to_vec();
        pair.open = true;
    }
    pair
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn behaves_as_the_model_does(ops in prop::collection::vec(op(), 1..300)) {
        let fanout = Fanout::<Piece>::new(|| {});
        let mut witness = fanout.subscribe(roomy(Start::NextKeyframe));
        let mut log: Vec<Piece> = Vec::new();
        let mut pairs: Vec<Pair> = Vec::new();
        for op in &ops {
            match *op {
                Op::Push { video, key, step_ms, size } => {
                    let unit = Piece {
                        seq: log.len() as u64,
                        video,
                        key: video && key,
                        time: log.last().map_or(0, |u| u.time) + step_ms * MS,
                        size,
                        format: Arc::new(""),
                    };
                    pairs.iter_mut().for_each(|p| p.model_push(&unit));
                    fanout.push(unit.clone());
                    log.push(unit);
                }
                Op::Join { .. } => pairs.push(join(&fanout, &log, op)),
                Op::Leave(who) if !pairs.is_empty() => {
                    pairs.swap_remove(who % pairs.len());
                    prop_assert_eq!(fanout.consumers().len(), pairs.len() + 1);
                }
                Op::Take(who, count) if !pairs.is_empty() => {
                    let at = who % pairs.len();
                    for _ in 0..count {
                        pairs[at].take()?;
                    }
                }
                Op::Leave(_) | Op::Take(..) => {}
            }
            pairs.iter().try_for_each(Pair::check)?;
        }
        for pair in &mut pairs {
            while !pair.queued.is_empty() {
                pair.take()?;
            }
            pair.take()?;
            pair.check()?;
        }
        // Whatever the others did, the one that keeps up missed nothing since its keyframe.
        let first = log.iter().position(|u| u.video && u.key).unwrap_or(log.len());
        let all: Vec<u64> = (first as u64..log.len() as u64).collect();
        prop_assert_eq!(drain(&mut witness), all);
    }
}
