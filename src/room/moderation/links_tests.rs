use super::*;

#[test]
fn links_are_found() {
    for text in [
        "https://example.com/x",
        "hxxp://foo",
        "see www.example.org now",
        "example.com",
        "EXAMPLE.COM!",
        "a.b.example.co.uk/x",
        "buy at shop-24.at",
        "t.me/xyz",
        "bit.ly/abc",
        "youtu.be/xyz",
        "mail me: a.b@example.museum",
        "192.168.1.10",
        "http://[::1]/ x.de",
        "xn--bcher-kva.example",
        "example dot com",
        "example (dot) com",
        "example[.]com",
        "example .com",
        "example . com",
        "baidu。com",
        "例子点com",
        "пример.рф",
        "еxample.соm",
        "例子.中国",
        "twitch.tv/anna",
        "love.it/x",
        "great.Visit example.com.Now",
        "example.live",
        "пишите на почта точка ру",
        "예시.한국",
    ] {
        assert!(has_link(text), "{text}");
    }
}

#[test]
fn innocent_stops_are_left_alone() {
    for text in [
        "3.5",
        "v1.2.3",
        "z.B. heute",
        "Node.js",
        "ASP.NET",
        "e.g. this",
        "i.d.R. gut",
        "d.h. so",
        "10.11.2026",
        "19.90 €",
        "ok...",
        "wait.what",
        "nice.is it?",
        "So.it goes on",
        "good.me too",
        "Dr.No",
        "St.Pauli",
        "12:30",
        "1:0",
        "ratio 3:4",
        "a/b",
        "U.S.A.",
        "p.m.",
        "谢谢。很好",
        "はい。そうです",
        "好的。ok",
        "the dot is red",
        "Der Punkt ist",
        "bom. Com certeza",
        "@anna hi",
        "ends here. De kat",
        "file.txt",
        "main.rs is long",
        "index.html",
        "…",
        ".",
        "",
        "a.b",
        "::",
        "10.000.000",
    ] {
        assert!(!has_link(text), "{text}");
    }
}
