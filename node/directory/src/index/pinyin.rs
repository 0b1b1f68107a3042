//! How Chinese names are pronounced, and the initials of that: people type `zs` or `zhangsan` for 张三.

use ::pinyin::ToPinyinMulti;

/// Most readings of one name; those of characters further on are the usual ones.
const READINGS_MAX: usize = 8;

/// Surnames that are read in a way of their own.
const SURNAMES: &[(char, &str)] = &[
    ('单', "shan"),
    ('曾', "zeng"),
    ('仇', "qiu"),
    ('解', "xie"),
    ('区', "ou"),
    ('查', "zha"),
    ('任', "ren"),
    ('朴', "piao"),
    ('尉', "wei"),
    ('盖', "ge"),
    ('华', "hua"),
    ('乐', "yue"),
    ('覃', "qin"),
    ('繁', "po"),
    ('员', "yun"),
    ('种', "chong"),
    ('召', "shao"),
    ('缪', "miao"),
    ('翟', "zhai"),
    ('长', "zhang"),
    ('重', "chong"),
    ('秘', "bi"),
    ('折', "she"),
    ('黑', "he"),
    ('盛', "sheng"),
    ('冼', "xian"),
    ('宓', "mi"),
    ('逄', "pang"),
];

/// One way to say a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reading {
    /// All syllables.
    pub(crate) full: String,
    /// Their first letters.
    pub(crate) initials: String,
}

/// How a name is said, the most likely way first; nothing for a name without Chinese characters.
pub(crate) fn readings(name: &str) -> Vec<Reading> {
    let mut readings = vec![Reading::default()];
    let mut chinese = false;
    for (place, character) in name.chars().enumerate() {
        let syllables = syllables(character, place == 0);
        chinese |= !syllables.is_empty();
        let more: Vec<Reading> = match syllables.as_slice() {
            [] => extend(&readings, &character.to_string(), &character.to_string()),
            [first, others @ ..] => {
                let mut more = extend(&readings, first, initial(first));
                for other in others {
                    if more.len() + readings.len() <= READINGS_MAX {
                        more.extend(extend(&readings, other, initial(other)));
                    }
                }
                more
            }
        };
        readings = more;
    }
    if !chinese {
        return Vec::new();
    }
    readings
}

fn extend(readings: &[Reading], syllable: &str, initial: &str) -> Vec<Reading> {
    let longer = readings.iter().map(|reading| Reading {
        full: format!("{}{syllable}", reading.full),
        initials: format!("{}{initial}", reading.initials),
    });
    longer.collect()
}

fn initial(syllable: &str) -> &str {
    syllable.get(..1).unwrap_or(syllable)
}

/// The syllables that a character may be, the most likely first; none for what is no Chinese character.
fn syllables(character: char, surname: bool) -> Vec<String> {
    let Some(multi) = character.to_pinyin_multi() else {
        return Vec::new();
    };
    let mut syllables: Vec<String> = Vec::new();
    let special = SURNAMES.iter().find(|(known, _)| surname && *known == character);
    syllables.extend(special.map(|(_, syllable)| (*syllable).to_owned()));
    for syllable in multi {
        let syllable = syllable.plain().replace('ü', "v");
        if !syllables.contains(&syllable) {
            syllables.push(syllable);
        }
    }
    syllables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mem_names_are_read_as_people_say_them() {
        let check = |name: &str, full: &str, initials: &str| {
            let readings = readings(name);
            let first = readings.first().cloned().unwrap_or_default();
            assert_eq!(
                (first.full.as_str(), first.initials.as_str()),
                (full, initials),
                "{name}"
            );
            assert!(readings.len() <= READINGS_MAX);
        };
        check("张三", "zhangsan", "zs");
        check("单雄信", "shanxiongxin", "sxx");
        check("曾国藩", "zengguofan", "zgf");
        check("吕布", "lvbu", "lb");
        check("anna", "", "");
        check("王anna", "wanganna", "wanna");
        assert!(readings("重庆").iter().any(|reading| reading.full == "zhongqing"));
    }
}
