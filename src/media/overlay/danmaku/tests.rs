mod rules;
mod sequences;

use std::time::Duration;

use super::*;
use crate::config::{DanmakuConfig, Rgb};
use crate::media::overlay::motion::Rect;
use crate::room::item::Rank;

fn config() -> DanmakuConfig {
    DanmakuConfig {
        enabled: true,
        crossing_s: 8.0,
        size_percent: 5.0,
        lanes: 0,
        area_percent: 50,
        opacity: 100,
        fixed_s: 4.0,
        colour_text: Rgb([255; 3]),
        colour_staff: Rgb([1; 3]),
        colour_question: Rgb([2; 3]),
        colour_paid: Rgb([3; 3]),
        queue: 64,
        ttl_s: 10.0,
        merge_s: 5.0,
    }
}

fn field() -> Field {
    Field {
        width: 1280,
        height: 720,
        safe: 36,
        keep_clear: vec![],
    }
}

fn comment(text: &str) -> Comment {
    Comment {
        text: text.into(),
        who: None,
        rank: Rank::Text,
        run: Run::Scroll,
        colour: None,
        platform: None,
    }
}

/// Texts are as wide as the number in front of them says, at letters of 36 pixels; a counter adds 40 pixels and more.
fn measure(comment: &Comment, times: u32, letters: u32) -> u32 {
    let digits: String = comment
        .text
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let bare: u64 = digits.parse().unwrap_or(40);
    let counter = if times > 1 {
        40 + 20 * u64::from(times.ilog10())
    } else {
        0
    };
    u32::try_from((bare + counter) * u64::from(letters) / 36).unwrap()
}

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A danmaku of one picture, and the numbers of its comments.
struct Rig {
    danmaku: Danmaku,
    id: u64,
}

impl Rig {
    fn new(config: &DanmakuConfig) -> Self {
        let mut danmaku = Danmaku::new(config);
        danmaku.lay_out(field(), Duration::ZERO);
        Self { danmaku, id: 0 }
    }

    fn offer(&mut self, comment: Comment, at: f64) -> ItemId {
        self.id += 1;
        self.danmaku.offer(ItemId(self.id), comment, s(at));
        ItemId(self.id)
    }

    fn turn(&mut self, at: f64) -> Changes {
        self.danmaku.turn(s(at), &mut measure)
    }

    /// Turns whenever one is due, up to a time.
    fn until(&mut self, end: f64) -> Changes {
        let mut all = Changes::default();
        let mut turns = 0;
        while let Some(next) = self.danmaku.next().filter(|next| *next <= s(end)) {
            let now = next.max(Duration::from_nanos(self.danmaku.now));
            let changes = self.danmaku.turn(now, &mut measure);
            all.started.extend(changes.started);
            all.changed.extend(changes.changed);
            all.ended.extend(changes.ended);
            turns += 1;
            assert!(turns < 100_000, "turns are due without end");
        }
        all
    }
}

/// `offered` is the sum of what became of it.
fn adds_up(danmaku: &Danmaku) -> bool {
    let c = danmaku.counts();
    let sum = c.drawn + c.merged + c.expired + c.pushed_out + c.withdrawn + c.off;
    c.offered == sum + danmaku.waiting()
}
