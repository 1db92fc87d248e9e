//! What the pages say, in English and Chinese. What the box itself says of its state comes as it is, in English.

use axum::http::{HeaderMap, header};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Chinese, simplified.
    Zh,
}

impl Language {
    /// What `?lang=` says, else the browser.
    pub fn of(wanted: Option<&str>, headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|v| v.to_str().ok()).unwrap_or("");
        // Browsers put the first choice in front.
        let wanted = wanted.unwrap_or(accepted);
        if wanted.trim_start().to_ascii_lowercase().starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// As in `lang=`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// A phrase by its name; the name itself where there is none, which a test rules out.
    pub fn say(self, name: &'static str) -> &'static str {
        let found = PHRASES.iter().find(|(n, ..)| *n == name);
        found.map_or(name, |(_, en, zh)| match self {
            Self::En => en,
            Self::Zh => zh,
        })
    }
}

/// Name, English, Chinese.
pub const PHRASES: [(&str, &str, &str); 42] = [
    ("set_up", "Set up", "设置"),
    ("state", "State", "状态"),
    ("network_now", "Network", "网络"),
    ("no_network", "no network yet", "尚未联网"),
    ("wifi", "Wi-Fi", "无线网络"),
    ("keep", "Leave the network as it is", "保持当前网络"),
    ("other", "Another network", "其他网络"),
    ("ssid", "Its name", "网络名称"),
    ("hidden", "It is hidden", "隐藏网络"),
    ("wifi_password", "Wi-Fi password", "无线网络密码"),
    (
        "none_found",
        "No networks were seen so far.",
        "尚未发现网络。",
    ),
    ("unusable", "not supported", "不支持"),
    ("open", "no password", "无密码"),
    ("box", "The box", "盒子"),
    ("name", "Name of the box", "盒子名称"),
    ("url", "Streams to (RTMP address)", "推流地址 (RTMP)"),
    ("key", "Stream key", "推流密钥"),
    ("more", "Remote control", "远程控制"),
    ("broker", "Broker (mqtts://…)", "MQTT 服务器 (mqtts://…)"),
    ("user", "User", "用户名"),
    ("broker_password", "Password", "密码"),
    ("fleet", "Fleet", "机群"),
    ("id", "Id in the fleet", "机群内编号"),
    ("claim", "Claim token", "认领码"),
    ("show", "Show passwords", "显示密码"),
    ("send", "Set up", "开始设置"),
    (
        "empty",
        "What is left empty stays as it is.",
        "留空的项目保持不变。",
    ),
    (
        "closed",
        "Set-up is closed. Hold the button of the box for 3 seconds; then it is open for 10 minutes.",
        "设置已关闭。按住盒子上的按钮 3 秒，即可在 10 分钟内进行设置。",
    ),
    ("reload", "Load this page again", "重新加载"),
    ("sending", "Sending …", "正在发送……"),
    (
        "sent",
        "The box has it and is at work. This takes up to a minute.",
        "盒子已收到，正在设置，最多需要一分钟。",
    ),
    (
        "lost",
        "The box cannot be reached now. If your phone was on the box's own Wi-Fi, that is closed while the box joins the other network. When the light or the picture says that it worked, you are done; else the box's Wi-Fi comes back within a minute.",
        "现在无法连接盒子。如果手机连接的是盒子自己的无线网络，它会在盒子加入其他网络时关闭。指示灯或画面显示成功即完成；否则盒子的无线网络会在一分钟内重新出现。",
    ),
    (
        "ap_warning",
        "Your phone is on the box's own Wi-Fi. It goes away while the box joins another network, and comes back if that fails.",
        "手机连接的是盒子自己的无线网络。盒子加入其他网络时它会关闭；如果失败，它会重新出现。",
    ),
    (
        "old_form",
        "This page is from before the box started anew. Load it again, then send it once more.",
        "盒子已重新启动，此页面已过期。请重新加载后再次发送。",
    ),
    (
        "too_fast",
        "One form a second is enough. Try again.",
        "发送太频繁，请重试。",
    ),
    (
        "busy",
        "The box is busy. Try again in a minute.",
        "盒子正忙，请一分钟后重试。",
    ),
    ("wrong", "That cannot be taken:", "无法接受："),
    (
        "too_large",
        "That is too much for a form.",
        "提交的内容过大。",
    ),
    ("unreadable", "The form cannot be read.", "无法读取表单。"),
    (
        "closes_in",
        "Set-up closes in (minutes):",
        "设置关闭倒计时（分钟）：",
    ),
    ("language", "中文", "English"),
    ("fields", "See the marked fields.", "请检查标出的项目。"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phrase_is_there_once_and_said_by_its_name() {
        for (n, (name, en, zh)) in PHRASES.iter().enumerate() {
            assert!(!en.is_empty() && !zh.is_empty());
            let first = PHRASES.iter().position(|(other, ..)| other == name);
            assert_eq!(first, Some(n), "{name} is there twice");
        }
        assert_eq!(Language::Zh.say("wifi"), "无线网络");
    }

    #[test]
    fn the_wish_comes_before_the_browser() {
        let mut headers = HeaderMap::new();
        assert_eq!(Language::of(None, &headers), Language::En);
        headers.insert(
            header::ACCEPT_LANGUAGE,
            "zh-CN,zh;q=0.9,en;q=0.8".parse().unwrap(),
        );
        assert_eq!(Language::of(None, &headers), Language::Zh);
        assert_eq!(Language::of(Some("en"), &headers), Language::En);
        headers.insert(header::ACCEPT_LANGUAGE, "en-US,zh;q=0.5".parse().unwrap());
        assert_eq!(Language::of(None, &headers), Language::En);
    }
}
