//! Rows of [`table`](super::table) for what is drawn on the picture and who talks there.

use super::keys::Default::{Is, Unset};
use super::keys::Key;
use super::keys::Kind::{Bool, Choice, Float, Int, Path, Secret, Text};
use super::table::table;
use super::value::checks;

/// Corners of the picture.
const CORNERS: &[&str] = &["top-left", "top-right", "bottom-left", "bottom-right"];

table! {
    "overlay.fonts", Path, Is(""),
        "Folder of fonts that are used before those of the system; empty: those of the system alone.";
    "overlay.font", Text("the name of a font family", checks::line), Is(""),
        "Font family of everything that is written; empty: one that fits each script. `fc-list : family` lists them.";
    "overlay.safe_percent", Int(0, 15, "% of the picture"), Is("5"),
        "What stays free at each side, so that every screen shows all that is drawn.";
    "overlay.clock", Text("a strftime format such as \"%H:%M\"", checks::line), Is(""),
        "Clock on the picture, as a format such as `%H:%M:%S` or `%d %B %H:%M`; empty: none.";
    "overlay.zone", Text("an IANA time zone such as \"Europe/Berlin\"", checks::line), Is(""),
        "Time zone of the clock, such as `Europe/Berlin` or `Asia/Shanghai`; empty: the machine's.";
    "overlay.clock_corner", Choice(CORNERS), Is("top-right"),
        "Where the clock stands.";
    "overlay.logo", Path, Is(""),
        "PNG with transparency; empty: none. The box notices a changed file.";
    "overlay.logo_corner", Choice(CORNERS), Is("top-right"),
        "Where the logo stands.";
    "overlay.logo_percent", Float(1.0, 50.0, "% of the shorter side"), Is("10"),
        "Height of the logo.";
    "overlay.logo_opacity", Int(1, 100, "%"), Is("100"),
        "How much of the logo is seen.";
    "overlay.status", Bool, Is("false"),
        "Whether a corner shows state and bitrate, for rehearsals.";

    "danmaku.enabled", Bool, Is("true"),
        "Whether comments are drawn.";
    "danmaku.crossing_s", Float(2.0, 30.0, "s"), Is("8"),
        "Time in which a comment crosses the picture.";
    "danmaku.size_percent", Float(2.0, 15.0, "% of the shorter side"), Is("5"),
        "Height of the letters.";
    "danmaku.lanes", Int(0, 40, "lanes"), Is("0"),
        "Lanes that comments run in; `0`: as many as the area holds.";
    "danmaku.area_percent", Int(10, 100, "% of the height"), Is("50"),
        "How much of the picture, from its top, comments run over.";
    "danmaku.opacity", Int(10, 100, "%"), Is("90"),
        "How much of a comment is seen.";
    "danmaku.fixed_s", Float(1.0, 30.0, "s"), Is("4"),
        "Time for which a comment stays that is fixed at the top or the bottom.";
    "danmaku.colour_text", Text("a colour such as \"#ffffff\"", checks::colour), Is("#ffffff"),
        "Colour of what viewers say.";
    "danmaku.colour_staff", Text("a colour such as \"#ffffff\"", checks::colour), Is("#7fd4ff"),
        "Colour of what the staff say.";
    "danmaku.colour_question", Text("a colour such as \"#ffffff\"", checks::colour), Is("#c9a6ff"),
        "Colour of questions.";
    "danmaku.colour_paid", Text("a colour such as \"#ffffff\"", checks::colour), Is("#ffd24a"),
        "Colour of what was paid for.";
    "danmaku.queue", Int(1, 1000, "comments"), Is("64"),
        "Comments that wait for a lane; when it is full the least important goes first.";
    "danmaku.ttl_s", Float(1.0, 60.0, "s"), Is("10"),
        "A comment that has waited for so long is not drawn any more.";
    "danmaku.merge_s", Float(0.0, 60.0, "s"), Is("5"),
        "Equal comments within this time become one with `×N`; `0`: never.";

    "moderation.mode", Choice(&["hold", "delay", "free"]), Is("delay"),
        "`hold`: only what somebody approves is drawn; `delay`: after a while in which it can be undone; `free`: at once.";
    "moderation.delay_s", Float(0.0, 30.0, "s"), Is("3"),
        "That while.";
    "moderation.words", Text("words with commas between them", checks::words), Is(""),
        "Words that are not drawn, however they are disguised, with commas between them.";
    "moderation.words_file", Path, Is(""),
        "File with such words, one to a line; a line that begins with `#` is a remark. Read at start.";
    "moderation.links", Bool, Is("false"),
        "Whether text with a link is drawn.";
    "moderation.max_graphemes", Int(1, 100, "characters"), Is("100"),
        "Longest text on the picture, in characters as people count them.";
    "moderation.repeat_s", Float(0.0, 3600.0, "s"), Is("30"),
        "For so long an author cannot say the same again; `0`: no limit.";
    "moderation.author_per_s", Float(0.01, 20.0, "comments/s"), Is("0.5"),
        "Comments that one author may send in the long run.";
    "moderation.author_tau_s", Float(0.1, 60.0, "s"), Is("4"),
        "How slowly that rate comes back after a comment: the time constant of a logistic curve.";
    "moderation.author_burst", Float(1.0, 20.0, "comments"), Is("3"),
        "Comments that an author who was silent may send at once.";
    "moderation.author_suppress", Bool, Is("false"),
        "Whether an author who goes on sending while refused has to wait longer.";

    "room.name", Text("1 to 32 characters out of a-z, 0-9 and -", checks::segment), Is(""),
        "Room whose messages this box draws, a part of the topic `room/{name}/in/{source}`; several boxes may share one; empty: the box's own id.";
    "room.bridges", Bool, Is("true"),
        "Whether messages of bridges are heard over MQTT, by a connection of their own so that no flood of chat holds up a command.";
    "room.max_drawn_per_s", Float(0.1, 60.0, "comments/s"), Is("20"),
        "Comments drawn at most; fewer where the lanes do not hold so many.";

    "web.enabled", Bool, Is("true"),
        "Whether the room has pages.";
    "web.port", Int(0, 65_535, "(0: one that the system chooses)"), Is("8080"),
        "TCP port of the pages.";
    "web.tls_port", Int(0, 65_535, "(0: one that the system chooses)"), Is("8443"),
        "TCP port of the same pages over HTTPS, with a certificate that the box makes itself; the staff log in there.";
    "web.staff_over_http", Bool, Is("false"),
        "Whether the staff may log in without TLS as well; then anybody on the same network can read their passwords.";
    "web.metrics", Text("an address such as \"127.0.0.1:9477\"", super::web::address), Is("127.0.0.1:9477"),
        "Address and port at which Prometheus gets its figures; empty: nowhere.";
    "web.retention_days", Int(1, 3650, "days"), Is("30"),
        "For so long the box keeps what happened in the room; after that it is deleted.";
    "web.order_secret", Secret, Unset("no orders are taken"),
        "What the shop signs its orders with, at least 16 characters; the same is written there.";
    "web.max_viewers", Int(1, 10_000, "viewers"), Is("1500"),
        "Viewers who may be connected at once.";

    "watch.enabled", Bool, Is("true"),
        "Whether the pages show the live picture; without it they have the chat only.";
    "watch.udp_port", Int(0, 65_535, "(0: one that the system chooses)"), Is("8189"),
        "UDP port of WebRTC.";
    "watch.max_viewers", Int(1, 200, "viewers"), Is("20"),
        "Who may watch the live picture in a page at once; each takes the full bitrate of the network.";
}
