//! What the page says. A word without its Chinese does not compile.

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

impl Lang {
    /// As in `lang=`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::En => Self::Zh,
            Self::Zh => Self::En,
        }
    }
}

macro_rules! words {
    ($($word:ident $en:literal $zh:literal)*) => {
        /// A word of the page.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Word {
            $(#[doc = $en] $word,)*
        }

        impl Word {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$word),*];

            /// In a language.
            #[must_use]
            pub const fn say(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$word, Lang::En) => $en, (Self::$word, Lang::Zh) => $zh,)*
                }
            }
        }
    };
}

words! {
    Report "Report of the show" "直播报告"
    SoFar "so far" "进行中"
    NoTitle "Untitled show" "未命名的直播"
    OtherLanguage "中文" "English"
    Begun "Began" "开始"
    Ended "Ended" "结束"
    Length "Length" "时长"
    Downloads "Downloads" "下载"
    AllNumbers "Numbers (CSV)" "数据（CSV）"
    AllEvents "Events (CSV)" "事件（CSV）"
    ForPrograms "For programs (JSON)" "程序用（JSON）"
    ClockJumps "The clock of the box went back during the show; times around it are not to be trusted." "直播期间设备时钟曾被回拨，相关时间不可靠。"
    Viewers "Viewers" "观众人数"
    Views "Views" "观看次数"
    Peak "Most at once" "同时在线峰值"
    Average "At once on average" "平均同时在线"
    WatchTime "Watch time" "观看总时长"
    WatchMean "Per viewer, mean" "人均观看时长"
    WatchMedian "Per viewer, median" "观看时长中位数"
    ViewersOverTime "Viewers over time" "在线人数变化"
    MostInStep "most" "最多"
    MeanInStep "on average" "平均"
    MessagesPerMinute "Messages per minute" "每分钟消息数"
    MessagesPerStep "Messages over time" "消息数变化"
    Messages "Messages" "消息"
    Bridged "of these from other platforms" "其中来自其他平台"
    Held "of these held for approval" "其中待审核"
    Hidden "Messages hidden" "被隐藏的消息"
    Likes "Likes" "点赞"
    Gifts "Gifts" "礼物"
    Gift "Gift" "礼物"
    Announcements "Announcements" "公告"
    Votes "Votes" "投票"
    Questions "Questions" "提问"
    UpVotes "Votes for questions" "提问点赞"
    Clicks "Clicks" "点击"
    Orders "Orders" "订单"
    DrawEntries "Draw entries" "抽奖参与"
    Engagement "Engagement" "互动"
    PerView "Interactions per view" "每次观看的互动数"
    Interactions "Interactions" "互动总数"
    EngagementNote "What viewers of this room did, divided by views. Orders count whoever placed them." "本直播间观众的互动数除以观看次数；订单不论来源全部计入。"
    Funnel "Funnel" "转化漏斗"
    FunnelNote "Distinct viewers. The lines show where the share lies with 95 % confidence (Wilson score interval). An order without a known viewer counts as one buyer." "按去重观众计算。线段为 95% 置信区间（威尔逊区间）。无法对应观众的订单按一位买家计。"
    StageViewers "Watched" "观看"
    StageChat "Chatted" "发言"
    StageClick "Clicked" "点击"
    StageOrder "Ordered" "下单"
    Share "Share" "占比"
    Interval "95 % interval" "95% 区间"
    Stage "Stage" "阶段"
    Shop "Products" "商品"
    Product "Product" "商品"
    Pinned "Pinned" "置顶次数"
    Pieces "Pieces" "件数"
    Revenue "Revenue" "销售额"
    Pins "By pinning" "按置顶统计"
    Pin "Pin" "置顶"
    At "At" "时间"
    BeforeTheShow "before the show" "开播前"
    WithoutPin "Orders without a pin" "未归属置顶的订单"
    Polls "Polls" "投票活动"
    Tie "tie" "平票"
    Winner "winner" "胜出"
    StillOpen "open" "未结束"
    Disagrees "The count at closing differs from the votes." "结束时的计数与投票记录不符。"
    Asked "Asked" "提出"
    Answered "Answered" "已回答"
    Rejected "Rejected" "已拒绝"
    Question "Question" "问题"
    AskedBy "By" "提问者"
    Seen "Seen by" "看到人数"
    State "State" "状态"
    StatePending "pending" "待处理"
    StateLive "live" "公开"
    StateOnScreen "on screen" "上屏"
    StateAnswered "answered" "已回答"
    StateRejected "rejected" "已拒绝"
    Draws "Draws" "抽奖"
    Entries "Entries" "参与人数"
    Commitment "Commitment (SHA-256 of the seed)" "承诺值（种子的 SHA-256）"
    Digest "Digest of the entries" "参与名单摘要"
    Seed "Seed" "种子"
    Winners "Winners" "中奖者"
    Proof "Proof" "验证数据"
    Incidents "Faults of the stream" "直播故障"
    Fault "What happened" "故障"
    Until "Until" "恢复"
    NotOver "not over" "未恢复"
    Moderation "Moderation" "管理操作"
    Act "Act" "操作"
    Acts "Acts" "操作次数"
    Undone "of these taking another back" "其中撤销操作"
    None "None." "无。"
    HowMany "Number" "数量"
    EventsBehind "events behind this number" "条相关事件"
    Footer "Each number leads to the events it was counted from. The same events always give the same report." "每个数字都可查看其来源事件；相同的事件总会得到相同的报告。"
    Time "Time since the beginning" "开播后时间"
    ActApprove "let a message through" "通过消息"
    ActHide "hide a message" "隐藏消息"
    ActTimeOut "time-out" "禁言"
    ActBan "ban" "封禁"
    ActSlow "slow mode" "慢速模式"
    ActWords "word list" "屏蔽词表"
    ActDanmaku "danmaku" "弹幕"
    ActPanic "panic" "紧急屏蔽"
}

impl Word {
    /// Of a stage of the funnel, a part of the engagement or a kind of act, by its name in the report.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "viewers" => Self::StageViewers,
            "chat" => Self::StageChat,
            "click" => Self::StageClick,
            "order" => Self::StageOrder,
            "messages" => Self::Messages,
            "likes" => Self::Likes,
            "gifts" => Self::Gifts,
            "votes" => Self::Votes,
            "questions" => Self::Questions,
            "up_votes" => Self::UpVotes,
            "clicks" => Self::Clicks,
            "orders" => Self::Orders,
            "draw_entries" => Self::DrawEntries,
            "approve" => Self::ActApprove,
            "hide" => Self::ActHide,
            "time-out" => Self::ActTimeOut,
            "ban" => Self::ActBan,
            "slow" => Self::ActSlow,
            "words" => Self::ActWords,
            "danmaku" => Self::ActDanmaku,
            "panic" => Self::ActPanic,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_word_is_said_in_both_languages() {
        let chinese = |s: &str| s.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for word in Word::ALL {
            let (en, zh) = (word.say(Lang::En), word.say(Lang::Zh));
            assert!(!en.is_empty() && !zh.is_empty());
            if *word != Word::OtherLanguage {
                assert!(!chinese(en) && chinese(zh), "{en} / {zh}");
            }
        }
        let names: BTreeSet<String> = Word::ALL.iter().map(|w| format!("{w:?}")).collect();
        assert_eq!(names.len(), Word::ALL.len());
    }
}
