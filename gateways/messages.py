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
    "collection": {"ko": "수거함 ({grams} g)", "en": "bin emptied ({grams} g)"},
    "refused_full": {"ko": "통이 가득 차 열지 않음, 수거 필요", "en": "bin full, lid not opened, have it emptied"},
    "card": {"ko": "카드 …{last4}", "en": "card …{last4}"},
    "no_card": {"ko": "카드 없음", "en": "no card"},
    # What a resident reads and hears at the bin: two lines of twenty columns, a Hangul syllable takes two
    "bin_welcome": {"ko": "무게 재는 중 잠시만요", "en": "One moment, weighing"},
    "bin_open": {"ko": "넣고 뚜껑을 닫아 주세요", "en": "Drop your waste, then close the lid"},
    "bin_weighing": {"ko": "무게를 재는 중입니다", "en": "Weighing, please wait"},
    "bin_busy": {"ko": "사용 중입니다 차례를 기다려 주세요", "en": "In use, please wait for your turn"},
    "bin_unstable": {"ko": "저울이 흔들려요 기대지 마세요", "en": "Weight is unsteady, do not lean on bin"},
    "bin_close_lid": {"ko": "뚜껑을 닫아 주세요", "en": "Please close the lid"},
    "bin_lid_closing": {"ko": "뚜껑이 닫힙니다 손 조심하세요", "en": "Lid is closing, mind your hands"},
    "bin_deposit": {"ko": "{grams} g 배출 감사합니다", "en": "{grams} g taken, thank you"},
    "bin_deposit_fee": {"ko": "{grams} g 배출 약 {won}원", "en": "{grams} g taken, about {won} won"},
    "bin_empty": {"ko": "버린 것이 없습니다 0 g", "en": "Nothing was dropped, 0 g"},
    "bin_unsettled": {"ko": "무게 확인이 필요해 관리실에서 봅니다", "en": "Weight not certain, the office checks it"},
    "bin_aborted": {"ko": "뚜껑이 안 열려요 관리실에 문의하세요", "en": "Lid is stuck, please call the office"},
    "bin_full": {"ko": "통이 가득 찼어요 다른 통을 쓰세요", "en": "Bin is full, please use another bin"},
    "bin_collection": {"ko": "수거를 기록했습니다", "en": "Collection recorded"},
    "bin_refused_card_unknown": {
        "ko": "등록 안 된 카드 관리실에 문의하세요",
        "en": "Card not registered, call the office",
    },
    "bin_refused_card_blocked": {
        "ko": "정지된 카드입니다 관리실에 문의하세요",
        "en": "Card is blocked, call the office",
    },
    "bin_refused_lid_not_closed": {"ko": "뚜껑을 닫고 다시 대 주세요", "en": "Close the lid, then show card again"},
    "bin_refused_lid_unknown": {"ko": "뚜껑 고장 관리실에 문의하세요", "en": "Lid sensor fault, call the office"},
    "bin_refused_scale_silent": {"ko": "저울 고장 관리실에 문의하세요", "en": "Scale fault, please call the office"},
    "bin_refused_baseline_unstable": {
        "ko": "무게가 흔들려요 다시 대 주세요",
        "en": "Weight is unsteady, show card again",
    },
    "bin_refused_disk_full": {"ko": "기록 공간 부족 관리실에 문의하세요", "en": "Memory is full, call the office"},
    "bin_refused_wrong_device": {"ko": "장치 점검 중 관리실에 문의하세요", "en": "Device mismatch, call the office"},
    "bin_refused_out_of_order": {"ko": "고장입니다 관리실에 문의하세요", "en": "Out of order, please call the office"},
    # What the commands say
    "claimed": {
        "ko": "{gateway} 등록이 끝났습니다. 키 파일: {path}",
        "en": "{gateway} is claimed. Key file: {path}",
    },
    "claim_failed": {
        "ko": "등록하지 못했습니다: {problem}\n주소와 등록 코드를 확인하고, 쓴 코드라면 새 코드를 발급받으세요.",
        "en": "The claim failed: {problem}\nCheck the address and the code; a used code must be issued anew.",
    },
    "claim_refused": {
        "ko": "등록 코드가 받아들여지지 않았습니다: 틀렸거나, 이미 썼거나, 기한이 지났습니다. ({problem})\n"
        "서비스에서 새 코드를 발급받아 다시 실행하세요.",
        "en": "The code was not accepted: it is wrong, was used before, or has expired. ({problem})\n"
        "Have a new code made in the service and run this again.",
    },
    "claim_unreachable": {
        "ko": "{url} 에 연결하지 못했습니다: {problem}\n주소와 네트워크를 확인하세요. 코드는 아직 쓸 수 있을 것입니다.",
        "en": "{url} could not be reached: {problem}\nCheck address and network; the code should still be good.",
    },
    "claim_where": {
        "ko": "--config 로 설정 파일을 주거나, --url 과 --key-file 을 함께 주세요.",
        "en": "Give a config file that names `server` and `key_file` (--config), or both --url and --key-file.",
    },
    "claim_clock": {
        "ko": "주의: 이 장치의 시계는 {found}, 서버는 {right} 입니다. 맞춰 주세요. 기록은 서버 시각을 따릅니다.",
        "en": "Note: this box's clock says {found}, the server's {right}. Set it; records are dated by the server's.",
    },
    "key_not_writable": {
        "ko": "키 파일 {path} 을 쓸 수 없습니다: {problem}\n코드는 아직 쓰지 않았습니다. 권한을 확인하고 다시 하세요.",
        "en": "Key file {path} cannot be written: {problem}\nThe code is unspent: mend the permissions, run it again.",
    },
    "key_exists": {
        "ko": "{path} 파일이 이미 있습니다. 새로 등록하려면 먼저 옮겨 두세요.",
        "en": "{path} exists already. Move it away first if this gateway is to be claimed anew.",
    },
    "nothing_decoded": {
        "ko": "{protocol}: 올바른 프레임이 없습니다 ({reasons}).",
        "en": "{protocol}: no valid frame in {reasons}.",
    },
    "decode_needs_unit": {
        "ko": "{protocol} 저울은 단위를 보내지 않습니다. --unit 으로 저울에 표시되는 단위를 주세요: {units}",
        "en": "{protocol} scales send no unit. Say with --unit what the scale shows: {units}",
    },
    "not_hex": {"ko": "16진수가 아닙니다: {text}", "en": "Not hexadecimal: {text}"},
    # The config file: after `file:line:column: `
    "config_unreadable": {"ko": "파일을 읽을 수 없습니다: {problem}", "en": "cannot be read: {problem}"},
    "config_not_utf8": {
        "ko": "UTF-8이 아닌 글자가 있습니다. 파일을 UTF-8로 저장하세요.",
        "en": "holds a sign that is not UTF-8; save the file as UTF-8",
    },
    "config_syntax": {"ko": "TOML 문법에 맞지 않습니다: {problem}", "en": "is no TOML: {problem}"},
    "config_unknown": {
        "ko": "{setting}: 없는 설정입니다. 쓸 수 있는 것: {known}",
        "en": "{setting}: there is no such setting; known here are {known}",
    },
    "config_unknown_guess": {
        "ko": "{setting}: 없는 설정입니다. 혹시 {guess}? 쓸 수 있는 것: {known}",
        "en": "{setting}: there is no such setting; did you mean {guess}? Known here are {known}",
    },
    "config_missing": {
        "ko": "{setting}: 값이 빠졌습니다. 넣어 주세요.",
        "en": "{setting}: is missing and must be given",
    },
    "config_table": {
        "ko": "{setting} = {found}: 표 [{header}] 이어야 합니다.",
        "en": "{setting} = {found}: must be a table [{header}]",
    },
    "config_tables": {
        "ko": "{setting} = {found}: 표 [[{header}]] 가 하나 이상 있어야 합니다.",
        "en": "{setting} = {found}: must be at least one table [[{header}]]",
    },
    "config_text": {
        "ko": "{setting} = {found}: 따옴표로 묶은, 비어 있지 않은 글이어야 합니다.",
        "en": "{setting} = {found}: must be text in quotes, not empty",
    },
    "config_bool": {
        "ko": "{setting} = {found}: true 또는 false 여야 합니다.",
        "en": "{setting} = {found}: must be true or false",
    },
    "config_whole": {
        "ko": "{setting} = {found}: 0 이상의 정수여야 합니다.",
        "en": "{setting} = {found}: must be a whole number, 0 or more",
    },
    "config_number": {
        "ko": "{setting} = {found}: 0 이상의 수여야 합니다.",
        "en": "{setting} = {found}: must be a number, 0 or more",
    },
    "config_seconds": {
        "ko": "{setting} = {found}: 초 단위로, 0 이상의 수여야 합니다.",
        "en": "{setting} = {found}: must be seconds, 0 or more",
    },
    "config_grams": {
        "ko": "{setting} = {found}: 그램 단위로, 0 이상의 정수여야 합니다.",
        "en": "{setting} = {found}: must be whole grams, 0 or more",
    },
    "config_bytes": {
        "ko": "{setting} = {found}: 바이트 단위로, 0 이상의 정수여야 합니다.",
        "en": "{setting} = {found}: must be whole bytes, 0 or more",
    },
    "config_choice": {
        "ko": "{setting} = {found}: 다음 중 하나여야 합니다: {choices}",
        "en": "{setting} = {found}: must be one of {choices}",
    },
    "config_refused": {"ko": "{setting}: 쓸 수 없는 값입니다: {problem}", "en": "{setting}: cannot be used: {problem}"},
    "config_server": {
        "ko": '{setting} = "{found}": "https://meters.example.go.kr" 같은 주소여야 합니다.',
        "en": '{setting} = "{found}": must be an address like "https://meters.example.go.kr"',
    },
    "config_public_key": {
        "ko": "{setting}: base64로 적은 Ed25519 공개 키(32바이트)여야 합니다.",
        "en": "{setting}: must be an Ed25519 public key, 32 bytes in base64",
    },
    "config_protocol": {
        "ko": '{setting} = "{found}": 모르는 프로토콜입니다. 다음 중 하나여야 합니다: {choices}',
        "en": '{setting} = "{found}": unknown protocol; must be one of {choices}',
    },
    "config_wrong_kind": {
        "ko": '{setting} = "{found}": {kind}의 프로토콜이 아닙니다. 다음 중 하나여야 합니다: {choices}',
        "en": '{setting} = "{found}": is no protocol of a {kind}; must be one of {choices}',
    },
    "config_no_use": {
        "ko": "{setting}: {kind}에는 쓰이지 않습니다. 지우세요.",
        "en": "{setting}: a {kind} has no use for it; remove it",
    },
    "config_needs_unit": {
        "ko": '{setting}: {protocol} 저울은 단위를 보내지 않습니다. 저울에 맞춰 unit = "kg" 처럼 적어 주세요.',
        "en": '{setting}: a {protocol} scale sends no unit; give the one it is set to, like unit = "kg"',
    },
    "config_needs_inferred": {
        "ko": '{setting}: {protocol} 저울은 안정 신호를 보내지 않습니다. stability = "inferred" 로 적어 주세요.',
        "en": '{setting}: a {protocol} scale does not say when it is stable; set stability = "inferred"',
    },
    "config_no_identity": {
        "ko": "{setting}: {protocol} 장치에는 신원을 물을 수 없습니다. 지우세요.",
        "en": "{setting}: a {protocol} device cannot be asked who it is; remove it",
    },
    "config_meter_twice": {
        "ko": '{setting} = "{found}": {line}번째 줄에 이미 있는 종량기입니다.',
        "en": '{setting} = "{found}": this meter stands in line {line} already',
    },
    "config_port_twice": {
        "ko": '{setting} = "{found}": {line}번째 줄에서 이미 쓰는 포트입니다. 장치마다 포트가 따로 있어야 합니다.',
        "en": '{setting} = "{found}": this port is used in line {line} already; each device needs its own',
    },
    # What `check` says
    "check_ok": {
        "ko": "ok: {path} 파일을 쓸 수 있습니다. 종량기 {meters}대, 서버 {server}",
        "en": "ok: {path} can be used; meters: {meters}, server: {server}",
    },
    "check_meter": {"ko": "종량기 {meter}, 최대 {kilograms} kg", "en": "meter {meter}, up to {kilograms} kg"},
    "reader": {"ko": "카드 단말기", "en": "reader"},
    "scale": {"ko": "저울", "en": "scale"},
    "lid": {"ko": "뚜껑", "en": "lid"},
    "display": {"ko": "화면", "en": "display"},
    "port_may_change": {
        "ko": "주의: {port} 이름은 다시 켜면 다른 장치를 가리킬 수 있습니다. {better} 로 적으세요.",
        "en": "Note: {port} may be another device after a restart; write {better}",
    },
    "port_not_there": {
        "ko": "주의: {port} 장치가 지금은 없습니다. 연결과 전원을 확인하세요.",
        "en": "Note: {port} is not there now; check its plug and power",
    },
    "not_claimed": {
        "ko": "주의: 키 파일 {path} 이 아직 없습니다. jongnyang-gateway claim 으로 등록하세요.",
        "en": "Note: there is no key file {path} yet; claim the gateway (jongnyang-gateway claim)",
    },
    # What `status` says
    "key_missing": {
        "ko": "{path}: {problem}. 게이트웨이를 먼저 등록하세요(jongnyang-gateway claim).",
        "en": "{path}: {problem}; claim the gateway first (jongnyang-gateway claim)",
    },
    "key_open": {
        "ko": "{path} 파일을 다른 사용자도 읽을 수 있습니다. 실행하세요: chmod 600 {path}",
        "en": "{path} can be read by others; run: chmod 600 {path}",
    },
    "key_broken": {
        "ko": "{path} 은(는) 키 파일이 아닙니다({problem}). 게이트웨이를 다시 등록하세요.",
        "en": "{path} is not a key file ({problem}); claim the gateway again",
    },
    "key_empty": {
        "ko": "{path} 에 든 키가 비어 있습니다. 게이트웨이를 다시 등록하세요.",
        "en": "{path} holds an empty key; claim the gateway again",
    },
    "spool_in_use": {
        "ko": "{path}: 다른 jongnyang-gateway가 쓰고 있습니다. 그쪽을 먼저 멈추세요.",
        "en": "{path}: another jongnyang-gateway serves it; stop that one first",
    },
    "spool_unusable": {
        "ko": "{path} 을(를) 열 수 없습니다({problem}). 디스크의 여유 공간, 쓰기 권한, 상태를 확인하세요.",
        "en": "{path} cannot be used ({problem}); check the disk: its room, its rights, its health",
    },
    "no_spool": {
        "ko": "스풀 파일이 없습니다: {path}\n게이트웨이를 한 번 실행하면 만들어집니다.",
        "en": "There is no spool at {path}\nIt is made when the gateway runs for the first time.",
    },
    "no_permission": {
        "ko": "{path} 파일을 볼 권한이 없습니다. sudo -u jongnyang 으로 실행하세요.",
        "en": "You may not look at {path}; run this with: sudo -u jongnyang",
    },
    "status_process": {
        "ko": "게이트웨이 {gateway}: 실행 중, 버전 {version}, 키 {key_id}",
        "en": "gateway {gateway}: running, version {version}, key {key_id}",
    },
    "status_no_process": {
        "ko": "게이트웨이: 실행되고 있지 않음, 키 {key_id}",
        "en": "gateway: not running, key {key_id}",
    },
    "status_clock": {"ko": "시계: {now} ({quality})", "en": "clock: {now} ({quality})"},
    "clock_synced": {"ko": "서버와 맞음", "en": "agrees with the server"},
    "clock_holdover": {"ko": "서버와 맞춘 지 오래됨", "en": "not compared with the server of late"},
    "clock_unset": {"ko": "맞춘 적 없음", "en": "never set"},
    "status_spool": {
        "ko": "스풀: 대기 {depth}건, 가장 오래된 것 {oldest_age_s}초 전, 에포크 {epoch}, 다음 번호 {next_seq}",
        "en": "spool: {depth} records wait, oldest {oldest_age_s} s, epoch {epoch}, next number {next_seq}",
    },
    "status_contact": {"ko": "마지막 서버 응답: {last} ({age})", "en": "last answer of the server: {last} ({age})"},
    "status_acknowledged": {
        "ko": "마지막으로 서버가 받은 배출 기록: {last} ({age})",
        "en": "last discharge that the server acknowledged: {last} ({age})",
    },
    "status_disk": {
        "ko": "디스크: 스풀 {spool} MB, 남은 공간 {free} MB",
        "en": "disk: spool {spool} MB, {free} MB free",
    },
    "status_cards": {"ko": "카드 목록: {count}장 ({age})", "en": "cards: {count} on the list ({age})"},
    "status_commands": {"ko": "처리 중인 명령: {commands}", "en": "commands under way: {commands}"},
    "status_meter": {
        "ko": "종량기 {meter}: {kilograms} kg, 적재율 {fill} %, 뚜껑 {lid}",
        "en": "meter {meter}: {kilograms} kg, {fill} % full, lid {lid}",
    },
    "status_port": {
        "ko": "  {device} {path}: {state}, 프레임 {frames}, 버린 것 {rejects}, 잡음 {noise} B, 마지막 오류 {error}",
        "en": "  {device} {path}: {state}, {frames} frames, rejected {rejects}, noise {noise} B, last error {error}",
    },
    "status_trouble": {"ko": "문제: {text}", "en": "Trouble: {text}"},
    "port_open": {"ko": "열림", "en": "open"},
    "port_closed": {"ko": "닫힘", "en": "closed"},
    "lid_open": {"ko": "열림", "en": "open"},
    "lid_closed": {"ko": "닫힘", "en": "closed"},
    "lid_unknown": {"ko": "모름", "en": "unknown"},
    "age": {"ko": "{seconds}초 전", "en": "{seconds} s ago"},
    "unknown": {"ko": "모름", "en": "unknown"},
    "trouble_not_running": {
        "ko": "게이트웨이가 실행되고 있지 않습니다. sudo systemctl start jongnyang-gateway",
        "en": "the gateway does not run; sudo systemctl start jongnyang-gateway",
    },
    "trouble_starting": {
        "ko": "아직 준비되지 않았습니다. 잠시 뒤 다시 보고, 그대로면 journalctl -u jongnyang-gateway",
        "en": "not ready yet; look again in a moment, then at journalctl -u jongnyang-gateway",
    },
    "trouble_hangs": {
        "ko": "멈춘 부분: {loops} ({seconds}초). 스스로 다시 시작하지 않으면 sudo systemctl restart jongnyang-gateway",
        "en": "hangs: {loops} ({seconds} s); unless it restarts itself in a minute or two, "
        "sudo systemctl restart jongnyang-gateway",
    },
    "trouble_clock": {
        "ko": "시계가 맞지 않습니다. 서버에 연결되면 스스로 맞습니다. 네트워크를 확인하세요.",
        "en": "the clock was never set; it is once the server answers, so check the network",
    },
    "trouble_waiting": {
        "ko": "{depth}건이 {hours}시간 넘게 서버로 가지 못했습니다. 네트워크와 키를 확인하세요. 기록은 안전합니다.",
        "en": "{depth} records have waited over {hours} h for the server; check network and key, nothing is lost",
    },
    "trouble_disk": {
        "ko": "디스크가 차서({free} MB 남음) 배출을 받지 않습니다. 공간을 비우세요.",
        "en": "service is refused for want of disk ({free} MB free); make room",
    },
    "trouble_refused": {
        "ko": "서버가 이 기기의 키를 받지 않습니다({problem}). 새 등록 코드로 다시 등록하세요. 기록은 안전합니다.",
        "en": "the server refuses this box's key ({problem}); claim it again with a new code, nothing is lost",
    },
    "trouble_no_contact": {
        "ko": "서버가 15분 넘게 답하지 않습니다. 네트워크, 주소, 키(journalctl -u jongnyang-gateway)를 확인하세요.",
        "en": "no answer of the server for over 15 minutes; check network, address and key "
        "(journalctl -u jongnyang-gateway)",
    },
    "trouble_cards": {
        "ko": "카드 목록이 없거나 기한이 지났습니다. 서버에 연결되면 새로 받습니다.",
        "en": "the list of cards is missing or too old; it is fetched once the server answers",
    },
    "trouble_port_closed": {
        "ko": "종량기 {meter}의 {device} {port} 이(가) 닫혀 있습니다: {error}",
        "en": "{device} {port} of meter {meter} is closed: {error}",
    },
    "trouble_port_talks_nonsense": {
        "ko": "종량기 {meter}의 {device} {port} 을(를) 믿을 수 없습니다: {error}",
        "en": "{device} {port} of meter {meter} cannot be relied on: {error}",
    },
    "error_missing": {"ko": "장치가 없음. 연결과 전원을 확인하세요.", "en": "not there; check its plug and power"},
    "error_unplugged": {"ko": "뽑힘. 연결과 전원을 확인하세요.", "en": "unplugged; check its plug and power"},
    "error_in_use": {
        "ko": "다른 프로그램이 쓰는 중. 그 프로그램을 끝내세요.",
        "en": "held by another program; end that one",
    },
    "error_denied": {
        "ko": "권한 없음. 사용자를 dialout 그룹에 넣으세요.",
        "en": "not permitted; put the user into the group dialout",
    },
    "error_moved": {
        "ko": "이제 다른 장치를 가리킴. /dev/serial/by-path/ 의 이름을 쓰세요.",
        "en": "names another device now; use its name in /dev/serial/by-path/",
    },
    "error_stuck": {
        "ko": "받지 않음. 장치를 껐다 켜고 배선을 확인하세요.",
        "en": "takes no bytes; switch it off and on, check its wires",
    },
    "error_wrong_device": {
        "ko": "설정과 다른 장치. 케이블이 바뀌지 않았는지 확인하세요.",
        "en": "not the device of the settings; look for swapped plugs",
    },
    "error_no_frames": {
        "ko": "다른 프로토콜을 보냄. 포트와 속도를 확인하세요(jongnyang-gateway probe).",
        "en": "speaks another protocol; check port and baud rate (jongnyang-gateway probe)",
    },
    "error_identity_unanswered": {
        "ko": "신원 질문에 답하지 않음. 장치와 identity 설정을 확인하세요.",
        "en": "does not say who it is; check the device and the setting identity",
    },
    "trouble_faults": {"ko": "종량기 {meter}의 고장: {faults}", "en": "faults of meter {meter}: {faults}"},
    "never": {"ko": "없음", "en": "never"},
    # What `probe` says
    "probe_missing": {
        "ko": "{port}: 그런 포트가 없습니다. 케이블과 ls -l /dev/serial/by-id/ 를 확인하세요.",
        "en": "{port}: there is no such port; check the cable and ls -l /dev/serial/by-id/",
    },
    "probe_in_use": {
        "ko": "{port}: 다른 프로그램이 쓰고 있습니다. 게이트웨이라면 먼저 멈추세요: "
        "sudo systemctl stop jongnyang-gateway",
        "en": "{port}: another program uses it; if that is the gateway, sudo systemctl stop jongnyang-gateway first",
    },
    "probe_denied": {
        "ko": "{port}: 열 권한이 없습니다. sudo 로 실행하거나 사용자를 dialout 그룹에 넣으세요.",
        "en": "{port}: you may not open it; use sudo, or add the user to the group dialout",
    },
    "probe_unplugged": {
        "ko": "{port}: 도중에 뽑혔습니다. 케이블을 확인하고 다시 실행하세요.",
        "en": "{port}: it was unplugged meanwhile; check the cable and run this again",
    },
    "probe_unusable": {
        "ko": "{port}: 열 수 없습니다({error}). 직렬 포트가 맞는지 확인하세요.",
        "en": "{port}: it cannot be opened ({error}); is it a serial port?",
    },
    "probe_listening": {
        "ko": "{port}: {seconds}초 동안 듣습니다. 단말기라면 카드를 대고, 저울이라면 켜 두세요.",
        "en": "{port}: listening for {seconds} s; hold a card at a reader, have a scale switched on",
    },
    "probe_silent": {
        "ko": "{port}: 아무 바이트도 오지 않았습니다. 전원, 케이블, TX/RX 가 바뀌지 않았는지 확인하세요.{hint}",
        "en": "{port}: not a byte came; check power, cable, and whether TX and RX are swapped.{hint}",
    },
    "probe_try_ask": {
        "ko": "\n물어봐야 답하는 장치(PN532, UHF, MT-SICS, 8217)라면 --ask 를 붙여 다시 실행하세요.",
        "en": "\nA device that only answers (PN532, UHF, MT-SICS, 8217) needs --ask.",
    },
    "probe_no_frame": {
        "ko": "{port}: {bytes}바이트가 왔지만(글자 {printable} %) 아는 프레임이 없습니다. "
        "장치의 통신 설정(속도, 7/8비트, 출력 형식)을 확인하세요.{hint}",
        "en": "{port}: {bytes} bytes came ({printable} % printable) but no frame that is known; "
        "check the device's settings (baud rate, 7 or 8 bits, output format).{hint}",
    },
    "probe_candidate": {
        "ko": "{rank}. {protocol} ({kind}), {line}: 프레임 {frames}개, 바이트의 {percent} %",
        "en": "{rank}. {protocol} ({kind}), {line}: {frames} frames, {percent} % of the bytes",
    },
    "probe_write": {"ko": "설정 파일에 이렇게 쓰세요:", "en": "Write it into the config file so:"},
    "probe_check_unit": {"ko": "저울에 표시된 단위로 고치세요", "en": "the unit that the scale shows"},
    "probe_more": {
        "ko": "둘 이상이 비슷하면 장치 설명서와 비교하세요.",
        "en": "Where two are close, compare them with the device's manual.",
    },
    # What `replay` says
    "replay_nothing": {
        "ko": "{path}: 이 설정의 포트에서 기록된 것이 없습니다. 설정 파일과 기록의 포트 이름을 비교하세요: {ports}",
        "en": "{path}: nothing recorded of this config's ports; compare their names with the recorded ones: {ports}",
    },
    "replay_missing": {
        "ko": "{path}: 포트 기록(ports-*.jsonl)이 없습니다.",
        "en": "{path}: there is no port log (ports-*.jsonl)",
    },
    "replayed": {
        "ko": "{lines}줄을 다시 돌렸습니다. 기록 {records}건, 읽지 못한 줄 {broken}",
        "en": "{lines} lines replayed: {records} records, {broken} lines could not be read",
    },
    "no_fleet": {
        "ko": "{path}: {problem}\n서비스의 데모 명령이 이 파일을 만듭니다. --fleet 으로 다른 파일을 줄 수도 있습니다.",
        "en": "{path}: {problem}\nThe service's demo command writes this file; --fleet names another one.",
    },
    "bad_mix": {
        "ko": "이 카드와 종량기에 맞는 장치를 고를 수 없습니다: {problem}\n--protocols 에 다른 것을 넣으세요.",
        "en": "These meters cannot be equipped: {problem}\nName other devices with --protocols.",
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


def in_both(key: str, **values: object) -> dict[Lang, str]:
    """Return the text `key` with its values filled in, in each language."""
    return {lang: text.format(**values) for lang, text in _TEXTS[key].items()}
