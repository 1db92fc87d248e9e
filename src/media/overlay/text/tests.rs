use std::time::Instant;

use super::*;
use crate::media::overlay::kit::testing::look;

const WHITE: [u8; 3] = [255; 3];

fn letters() -> Letters {
    Letters::load(None, None).unwrap()
}

#[test]
fn looks() {
    let t = Instant::now();
    let mut l = letters();
    println!("load: {:?}", t.elapsed());
    let texts = [
        ("latin", "Hamburgefonstiv Ågjpqy 0123456789"),
        ("han", "弹幕文字：你好，世界！这个多少钱？"),
        ("japanese", "こんにちは世界、漢字とカタカナ"),
        ("korean", "안녕하세요 세계"),
        ("arabic", "مرحبا بالعالم كيف حالك؟ hello 12"),
        ("hebrew", "שלום עולם, hello world"),
        ("devanagari", "नमस्ते दुनिया क्षत्रिय"),
        ("thai", "สวัสดีชาวโลก ที่นี่ ปู่ ญี่ปุ่น"),
        ("emoji", "😀 👨‍👩‍👧‍👦 🇩🇪🇯🇵 1️⃣ 👍🏽 ❤️ 12 #"),
        ("missing", "a\u{10fffd}b\u{e000}c\u{10ffff}"),
        ("zalgo", "Z̸̧̢̛͎͎̰̈́̈́a̷̛͎̎l̷̨͍̈́g̴̰̈́o"),
    ];
    let mut y = 0;
    let mut all = Sprite::clear(900, texts.len() * 80);
    for (name, text) in texts {
        let t = Instant::now();
        let style = Style::outlined(44);
        let run = Run::new(text, WHITE);
        let s = l.line(&[run.clone()], &style, 2000);
        let first = t.elapsed();
        let t = Instant::now();
        l.line(&[run.clone()], &style, 1999);
        println!(
            "{name}: first {first:?} again {:?} {}x{}",
            t.elapsed(),
            s.width,
            s.height
        );
        assert_eq!(s.width, l.width(&[run], &style) as usize);
        all.lay(&s, 0, y);
        y += 80;
    }
    look("text", &all);
}
