"""What the command says to people, in Korean and English: what happened, to which thing, what to do next."""

import os
from typing import Final, Literal

Lang = Literal["ko", "en"]

_TEXTS: Final[dict[str, dict[Lang, str]]] = {
    "settled": {"ko": "배출 {grams} g", "en": "{grams} g discharged"},
    "late_close": {"ko": "배출 {grams} g (뚜껑이 오래 열려 있었음)", "en": "{grams} g discharged (lid was open long)"},
    "recovered": {
        "ko": "배출 {grams} g (전원이 끊긴 뒤 복구, 담당자 확인 필요)",
        "en": "{grams} g recovered after a power cut (staff decide)",
    },
    "unsettled": {
        "ko": "무게를 확정하지 못함, 담당자 확인 필요",
        "en": "weight never settled, staff decide",
    },
    "empty_open": {"ko": "뚜껑만 열렸다 닫힘 (0 g)", "en": "lid opened, nothing thrown in (0 g)"},
    "negative": {"ko": "무게가 줄어듦 ({grams} g), 담당자 확인 필요", "en": "weight fell ({grams} g), staff decide"},
    "unattended_step": {"ko": "카드 없이 무게가 바뀜 ({grams} g)", "en": "weight changed without a card ({grams} g)"},
    "aborted": {"ko": "뚜껑이 열리지 않음, 잠금장치 점검 필요", "en": "lid did not open, have the lock checked"},
    "card": {"ko": "카드 …{last4}", "en": "card …{last4}"},
    "no_card": {"ko": "카드 없음", "en": "no card"},
    "claimed": {
        "ko": "{gateway} 등록이 끝났습니다. 키 파일: {path}",
        "en": "{gateway} is claimed. Key file: {path}",
    },
    "claim_failed": {
        "ko": "등록하지 못했습니다: {problem}\n주소와 등록 코드를 확인하고, 쓴 코드라면 새 코드를 발급받으세요.",
        "en": "The claim failed: {problem}\nCheck the address and the code; a used code must be issued anew.",
    },
    "key_exists": {
        "ko": "{path} 파일이 이미 있습니다. 새로 등록하려면 먼저 옮겨 두세요.",
        "en": "{path} exists already. Move it away first if this gateway is to be claimed anew.",
    },
    "nothing_decoded": {
        "ko": "{protocol}: 올바른 프레임이 없습니다 ({reasons}).",
        "en": "{protocol}: no valid frame in {reasons}.",
    },
    "not_hex": {"ko": "16진수가 아닙니다: {text}", "en": "Not hexadecimal: {text}"},
    "no_spool": {
        "ko": "스풀 파일이 없습니다: {path}\n게이트웨이를 한 번 실행하면 만들어집니다.",
        "en": "There is no spool at {path}\nIt is made when the gateway runs for the first time.",
    },
    "status": {
        "ko": "대기 {depth}건, 가장 오래된 것 {oldest_age_s}초 전, 에포크 {epoch}, 마지막 서버 응답 {last_contact}",
        "en": "{depth} records wait, oldest {oldest_age_s} s, epoch {epoch}, last answer of the server {last_contact}",
    },
    "never": {"ko": "없음", "en": "never"},
    "no_fleet": {
        "ko": "{path}: {problem}\n서비스의 데모 명령이 이 파일을 만듭니다. --fleet 으로 다른 파일을 줄 수도 있습니다.",
        "en": "{path}: {problem}\nThe service's demo command writes this file; --fleet names another one.",
    },
    "simulating": {
        "ko": "종량기 {meters}대, 게이트웨이 {gateways}대, 카드 {cards}장을 시뮬레이션합니다 ({url}). 끝내려면 Ctrl-C.",
        "en": "Simulating {meters} meters, {gateways} gateways and {cards} cards against {url}. Ctrl-C ends it.",
    },
    "simulated": {
        "ko": "배출 {drops}건을 시뮬레이션했습니다. 다시 실행하면 이어집니다.",
        "en": "{drops} discharges simulated. Run it again to continue.",
    },
}


def language(chosen: str | None = None) -> Lang:
    """Return the language: as chosen, else English if LANG begins with `en`, else Korean."""
    wanted = chosen or os.environ.get("LANG", "")
    return "en" if wanted.lower().startswith("en") else "ko"


def say(lang: Lang, key: str, **values: object) -> str:
    """Return the text `key` with its values filled in."""
    return _TEXTS[key][lang].format(**values)
