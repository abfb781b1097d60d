//! Words of paths, and how names are made of them.

/// Words that name a place, never a value, wherever they stand.
const RESERVED: [&str; 34] = [
    "api", "rest", "graphql", "rpc", "me", "self", "mine", "current", "new", "all", "latest", "search",
    "count", "login", "logout", "signup", "register", "health", "healthz", "status", "metrics", "version",
    "docs", "admin", "public", "internal", "static", "assets", "oauth", "oauth2", "token", "auth", "export",
    "import",
];

/// Words that people give to places: nouns of collections, verbs of actions, times and manners.
const DICTIONARY: &str = "\
    about accept access account accounts action actions activate active activity add address addresses agent agents \
    alert alerts analytics app apply approve apps archive archived article articles asset attachment attachments audit \
    authorize available avatar average balance bank banner basket batch best billing board boards book booking bookings \
    books bookmark branch branches broadcast bulk calendar callback cancel card cards cart carts catalog categories \
    category channel channels charge chart chat check checkout children city cities clear client clients clone close \
    cloud code collection collections comment comments commit commits company compare complete config configuration \
    confirm connect contact contacts content contents copy country countries coupon coupons create credit cron currency \
    customer customers daily dashboard data database date day default delete deliver delivery deploy deployments \
    details device devices diff disable discount discounts document documents domain domains download draft drafts \
    edit email emails employee employees enable endpoint entries entry error errors event events execute expired \
    extra failed faq favorite favorites feature featured features feed feedback fetch field fields file files filter \
    find follow followers following folder folders forgot form forms friend friends full gallery game games get global \
    group groups guide help hidden history home hook hooks host hosts hour hourly image images inbox index info inline \
    input install instance instances inventory invite invites invoice invoices issue issues item items job jobs join \
    key keys label labels language languages last leaderboard leave legacy library like likes link links list listing \
    lists live local location locations lock log logs lookup mail main manage map maps match matches me media member \
    members membership memory menu merge message messages meta metadata method metric minute model models module \
    modules monitor month monthly move name network news newsletter next nodes note notes notification notifications \
    offer offers office open options order orders organization organizations orgs output overview owner owners page \
    pages parent partner partners password patch pause pay payment payments payout pending people percentile \
    permission permissions person pet pets phone photo photos ping places plan plans play player players policies \
    policy poll popular post posts preferences preview previous price prices pricing print private process product \
    products profile profiles project projects promote proxy publish published pull purchase push put query question \
    questions queue quick quote random range rate rates rating ratings read recent recommend recommendations record \
    records redirect refresh refund refunds region regions reject related release releases remove rename render renew \
    reply report reports repos repositories repository request requests reserve reset resolve resource resources \
    restart restore result results resume retry review reviews revoke role roles room rooms root route routes rule \
    rules run sale sales save scan schedule schedules schema schemas scope score scores secret section send sensor \
    server servers service services session sessions set settings setup share shipment shipping shop show site sites \
    size sort source space special stars start state states statistics stats step stock stop storage store stores \
    story stream student students subscribe subscription subscriptions suggest suggestions summary support survey sync \
    system systems table tables tag tags target task tasks tax team teams template templates tenant tenants test tests \
    text theme thread threads thumbnail ticket tickets time timeline today toggle top topic topics total totals track \
    tracks transaction transactions transfer transfers trash tree trending trigger type types unread unsubscribe \
    update updates upgrade upload uploads usage user users utils validate value values variant variants vehicle \
    vehicles vendor vendors verify video videos view views volume vote votes wallet warehouse watch weather web \
    webhook webhooks week weekly widget widgets wiki window workflow workflows workspace workspaces year yearly zone \
    zones";

/// Whether a segment keeps its place whatever its siblings look like.
pub(crate) fn is_reserved(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    RESERVED.contains(&lower.as_str()) || is_version(&lower) || lower.starts_with(['_', '.'])
}

/// `v1`, `v2.1`, `v1beta1`.
fn is_version(word: &str) -> bool {
    word.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.len() <= 8
            && rest.chars().all(|c| c.is_ascii_digit() || c == '.' || c.is_ascii_lowercase())
    })
}

/// Whether a word is one that people give to places.
pub(crate) fn is_common(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let parts = || lower.split(['-', '_', '.']).filter(|part| !part.is_empty());
    let known =
        |part: &str| DICTIONARY.split_ascii_whitespace().any(|word| word == part) || is_reserved(part);
    known(&lower) || parts().count() > 1 && parts().all(known)
}

/// The languages of ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da \
    de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io \
    is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my \
    na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq \
    sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// Whether a segment is the tag of a language: `en`, `pt-BR`, `zh_Hant`.
pub(crate) fn is_language(text: &str) -> bool {
    let (language, region) =
        text.split_once(['-', '_']).map_or((text, None), |(language, region)| (language, Some(region)));
    let letters =
        |region: &str| matches!(region.len(), 2 | 4) && region.bytes().all(|byte| byte.is_ascii_alphabetic());
    let lower = language.to_ascii_lowercase();
    LANGUAGES.split_ascii_whitespace().any(|known| known == lower) && region.is_none_or(letters)
}

/// Whether numbers behind this word are versions, not values.
pub(crate) fn numbers_versions(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "api" | "rest" | "v" | "version" | "apis")
}

/// Names of fields by which things are looked up.
const FIELDS: [&str; 20] = [
    "name", "slug", "key", "code", "sku", "tag", "email", "username", "login", "handle", "alias", "uuid",
    "hash", "checksum", "digest", "isbn", "iban", "barcode", "hostname", "by",
];

/// Whether what follows is the value of a field: `/users/name/alice`, `/users/by-team/red`, `/events/count-by/day`.
pub(crate) fn names_field(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    FIELDS.contains(&lower.as_str())
        || lower.starts_with("by-")
        || lower.starts_with("by_")
        || lower.ends_with("-by")
        || lower.ends_with("_by")
}

/// What is left of a name without the number at its end: `worker-` of `worker-17`. `None` if there is no number, or no
/// name.
pub(crate) fn stem(text: &str) -> Option<&str> {
    let stem = text.trim_end_matches(|letter: char| letter.is_ascii_digit());
    (stem.len() < text.len() && stem.len() >= 3).then_some(stem)
}

/// One of what a plural names: `users` to `user`, `categories` to `category`.
pub(crate) fn singular(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let ends = |end: &str| lower.ends_with(end);
    let cut = |by: usize| word.get(..word.len().saturating_sub(by)).unwrap_or(word).to_owned();
    match () {
        () if !word.is_ascii() || word.len() < 4 => word.to_owned(),
        () if ends("ies") => cut(3) + "y",
        () if ends("sses") || ends("xes") || ends("ches") || ends("shes") || ends("zes") => cut(2),
        () if ends("ss") || ends("us") || ends("is") || ends("news") || ends("series") => word.to_owned(),
        () if ends("s") => cut(1),
        () => match lower.as_str() {
            "people" => "person".to_owned(),
            "children" => "child".to_owned(),
            "media" => "medium".to_owned(),
            _ => word.to_owned(),
        },
    }
}

/// The words of a name, whichever way they are joined.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut upper = false;
    let mut fresh = true;
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() {
            fresh = true;
            continue;
        }
        if fresh || letter.is_ascii_uppercase() && !upper {
            words.push(String::new());
        }
        fresh = false;
        upper = letter.is_ascii_uppercase();
        if let Some(word) = words.last_mut() {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words
}

/// `order items` as `OrderItems`; empty where there is no letter of ASCII.
pub(crate) fn pascal(name: &str) -> String {
    let words = words(name);
    words
        .iter()
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters.collect::<Vec<_>>())
        })
        .collect()
}

/// `order items` as `orderItems`.
pub(crate) fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let mut letters = pascal.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_places_are_known() {
        assert!(is_reserved("v1") && is_reserved("v1beta1") && is_reserved("me") && !is_reserved("vera"));
        assert!(is_common("orders") && is_common("order-items") && is_common("daily"));
        assert!(!is_common("alexnet") && !is_common("alice") && !is_common("orders-alice"));
    }

    #[test]
    fn languages_are_known() {
        assert!(["en", "pt-BR", "zh_Hant", "DE"].iter().all(|tag| is_language(tag)));
        assert!(!["us", "english", "en-", "en-GB-oed", "x", ""].iter().any(|tag| is_language(tag)));
    }

    #[test]
    fn names_are_made_of_words() {
        for (plural, one) in [
            ("users", "user"),
            ("categories", "category"),
            ("boxes", "box"),
            ("status", "status"),
            ("addresses", "address"),
            ("houses", "house"),
        ] {
            assert_eq!(singular(plural), one);
        }
        assert_eq!(pascal("order-items"), "OrderItems");
        assert_eq!(pascal("userID"), "UserId");
        assert_eq!(camel("Order_item"), "orderItem");
        assert_eq!(pascal("é"), "");
    }
}
