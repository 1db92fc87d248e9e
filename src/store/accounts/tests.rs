use std::path::Path;

use super::*;
use crate::error::Kind;
use serde_json::json;

fn open(dir: &Path) -> Db {
    let (db, warning) = Db::open(dir).unwrap();
    assert_eq!(warning, None);
    db
}

async fn make(db: &Db, name: &str, role: Role) -> bool {
    db.account_create(name.into(), role, format!("$argon2id$ of {name}"), 7)
        .await
        .unwrap()
}

fn session(token: u8, account: &str, now_s: i64) -> NewSession {
    NewSession {
        token: [token; 32],
        account: account.into(),
        now_s,
        expires_s: now_s + 100,
        agent: "A browser".into(),
        addr: "hash".into(),
    }
}

#[tokio::test]
async fn accounts_are_made_once_changed_and_removed_but_for_the_last_owner() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    assert!(make(&db, "Owner", Role::Owner).await);
    assert!(!make(&db, "owner", Role::Moderator).await);
    assert!(make(&db, "mo'); DROP TABLE account;--", Role::Moderator).await);
    let (account, hash) = db.account_find("OWNER".into()).await.unwrap().unwrap();
    let expected = Account {
        name: "Owner".into(),
        role: Role::Owner,
        created_s: 7,
    };
    assert_eq!((account, hash.as_str()), (expected, "$argon2id$ of Owner"));
    assert_eq!(db.account_find("nobody".into()).await.unwrap(), None);
    assert!(
        db.account_set_hash("owner".into(), "other".into())
            .await
            .unwrap()
    );
    assert!(
        !db.account_set_hash("nobody".into(), "other".into())
            .await
            .unwrap()
    );
    assert_eq!(
        db.account_find("owner".into()).await.unwrap().unwrap().1,
        "other"
    );
    assert_eq!(
        db.account_remove("owner".into()).await.unwrap(),
        Removed::LastOwner
    );
    assert_eq!(
        db.account_remove("nobody".into()).await.unwrap(),
        Removed::NotFound
    );
    assert!(make(&db, "second", Role::Owner).await);
    assert_eq!(
        db.account_remove("owner".into()).await.unwrap(),
        Removed::Yes
    );
    assert_eq!(
        db.account_remove("SECOND".into()).await.unwrap(),
        Removed::LastOwner
    );
    assert_eq!(db.accounts().await.unwrap().len(), 2);
}

#[tokio::test]
async fn sessions_are_found_by_token_end_in_time_and_with_their_account() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    make(&db, "Ann", Role::Owner).await;
    make(&db, "mo", Role::Moderator).await;
    let none = db.session_open(session(1, "nobody", 0)).await.unwrap_err();
    assert_eq!(none.kind(), Kind::NotFound);
    let first = db.session_open(session(1, "ann", 1000)).await.unwrap();
    let second = db.session_open(session(2, "Ann", 1010)).await.unwrap();
    let third = db.session_open(session(3, "mo", 1010)).await.unwrap();
    db.session_open(session(3, "mo", 1010)).await.unwrap_err();
    let found = db.session_find([1; 32], 1050).await.unwrap().unwrap();
    assert_eq!(
        (found.id, found.account.as_str(), found.role),
        (first, "Ann", Role::Owner)
    );
    assert_eq!(db.session_find([1; 32], 1100).await.unwrap(), None);
    assert_eq!(db.session_find([9; 32], 1050).await.unwrap(), None);
    db.session_touch(first, 1060).await.unwrap();
    drop(db);
    let db = open(dir.path());
    assert_eq!(
        db.session_find([1; 32], 1060)
            .await
            .unwrap()
            .unwrap()
            .used_s,
        1060
    );
    let ids = |all: Vec<Session>| all.into_iter().map(|s| s.id).collect::<Vec<_>>();
    assert_eq!(
        ids(db.sessions(None).await.unwrap()),
        [third, second, first]
    );
    assert_eq!(
        ids(db.sessions(Some("ANN".into())).await.unwrap()),
        [second, first]
    );
    assert_eq!(
        db.sessions_end_all("ann".into(), Some(second))
            .await
            .unwrap(),
        1
    );
    assert!(!db.session_end(first).await.unwrap());
    // Those that are over go with the next login; an id comes never twice.
    let fourth = db.session_open(session(4, "mo", 1110)).await.unwrap();
    assert_eq!(ids(db.sessions(None).await.unwrap()), [fourth]);
    assert_eq!(db.account_remove("mo".into()).await.unwrap(), Removed::Yes);
    assert_eq!(db.sessions(None).await.unwrap(), []);
    assert!(db.session_open(session(5, "ann", 1200)).await.unwrap() > fourth);
}

#[tokio::test]
async fn failures_outlive_a_restart_and_are_forgotten_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let many = Failures {
        count: 5,
        until_s: 160,
    };
    assert_eq!(
        db.failures("ann".into()).await.unwrap(),
        Failures::default()
    );
    db.failures_set("ann".into(), many, 100).await.unwrap();
    drop(db);
    let db = open(dir.path());
    assert_eq!(db.failures("ann".into()).await.unwrap(), many);
    db.failures_set("bob".into(), many, 200).await.unwrap();
    db.failures_clear("bob".into()).await.unwrap();
    assert_eq!(
        db.failures("bob".into()).await.unwrap(),
        Failures::default()
    );
    db.failures_set("bob".into(), many, 100 + 86_400)
        .await
        .unwrap();
    assert_eq!(db.failures("ann".into()).await.unwrap(), many);
    db.failures_set("bob".into(), many, 101 + 86_400)
        .await
        .unwrap();
    assert_eq!(
        db.failures("ann".into()).await.unwrap(),
        Failures::default()
    );
}

#[tokio::test]
async fn acts_are_listed_newest_first_page_by_page() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    for n in 0..5 {
        db.audit(n, "ann".into(), "account/remove".into(), json!({ "n": n }))
            .await
            .unwrap();
    }
    let all = db.audit_list(None, 3).await.unwrap();
    assert_eq!(all.iter().map(|a| a.at_ms).collect::<Vec<_>>(), [4, 3, 2]);
    assert_eq!(all[0].detail, json!({ "n": 4 }));
    let rest = db.audit_list(Some(all[2].id), 9).await.unwrap();
    assert_eq!(rest.iter().map(|a| a.at_ms).collect::<Vec<_>>(), [1, 0]);
}
