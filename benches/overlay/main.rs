//! What it costs to draw on the picture: `cargo bench --bench overlay [-- rounds]`.
//!
//! User CPU of this process for 300 frames at 720p30 and 1080p30, as fast as they go, through `videotestsrc pattern=black`, I420 and
//! `fakesink`: bare; with our canvas and nothing on it; with 20 comments that run across the picture, a clock that is drawn
//! anew each second and a logo; and, in the same run, what GStreamer itself offers, each in the cheapest form that we know:
//!
//! - `textoverlay`: one moving line. Each new place makes it draw the letters anew.
//! - `cairooverlay`: the same 20 comments, drawn beforehand as our own are, painted from image surfaces in their own format.
//! - `compositor`: the same 20 as pads, each a picture that `imagefreeze` repeats, converted to AYUV once.
//!
//! The last two do without clock and logo. Then x264 as the box opens it, for the size of the whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod cairo;
mod film;
mod rivals;
mod run;

use film::Film;
use run::{Size, user_seconds};

/// Name and cost of one kind in each round, seconds of user CPU for 300 frames.
struct Row {
    name: &'static str,
    make: fn(Size, &Film) -> gstreamer::Pipeline,
    rounds: usize,
    seconds: Vec<f64>,
}

impl Row {
    fn new(
        name: &'static str,
        rounds: usize,
        make: fn(Size, &Film) -> gstreamer::Pipeline,
    ) -> Self {
        Self {
            name,
            make,
            rounds,
            seconds: vec![],
        }
    }

    fn median(&self) -> f64 {
        run::median(&self.seconds)
    }
}

fn main() {
    let asked = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let rounds: usize = asked.unwrap_or(7);
    boothcast::media::init().unwrap();
    for size in [Size::HD, Size::FULL_HD] {
        let film = Film::new(size);
        println!("\n{film}\n");
        let few = rounds.div_ceil(2);
        let mut rows = [
            Row::new("bare", rounds, |size, _| run::bare(size)),
            Row::new("boothcast, nothing drawn", rounds, |size, _| {
                run::nothing(size)
            }),
            Row::new("boothcast, 20 comments, clock, logo", rounds, run::ours),
            Row::new("cairooverlay, 20 comments", few, rivals::cairooverlay),
            Row::new("compositor, 20 comments", few, rivals::compositor),
            Row::new("textoverlay, one line", few.min(2), rivals::textoverlay),
            Row::new("bare, x264 at the end", few.min(3), |size, _| {
                run::encoded(size)
            }),
            Row::new(
                "boothcast, the same, and a clean copy",
                few,
                run::ours_and_clean,
            ),
        ];
        for round in 0..rounds {
            for row in rows.iter_mut().filter(|row| round < row.rounds) {
                row.seconds.push(user_seconds(&(row.make)(size, &film)));
            }
        }
        print(size, &rows);
    }
    println!();
    film::cost_of_a_comment();
    run::cost_of_a_look();
}

fn print(size: Size, rows: &[Row]) {
    let name = size.name();
    println!(
        "| {name}, user CPU for 300 frames | median, s | least and most, s | more than bare, s | ÷ cairooverlay's |"
    );
    println!("|---|---|---|---|---|");
    let bare = rows[0].median();
    let cairo = rows[3].median() - bare;
    for row in rows {
        let (least, most) = run::ends(&row.seconds);
        let more = row.median() - bare;
        println!(
            "| {} | {:.3} | {least:.3}–{most:.3} | {more:.3} | {:.3} |",
            row.name,
            row.median(),
            more / cairo
        );
    }
    let [nothing, ours, whole] = [1, 2, 6].map(|n| rows[n].median() - bare);
    println!(
        "\n{name}: 20 comments, clock and logo take {:.2} % of a core at 30 frames/s and {:.3} of cairooverlay's; nothing drawn \
         {:+.2} % of the bare pipeline with x264.",
        ours * 10.0,
        ours / cairo,
        nothing / (whole + bare) * 100.0
    );
}
