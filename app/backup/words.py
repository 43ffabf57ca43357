"""What backups say to people."""

from app.backup.manifest import CHANGED, OTHER_KEY
from app.texts import Text

NONE = Text("(없음)", "(none)")

# --- Steps

COPYING = Text("{database}의 현재 상태를 잡고 셉니다 …", "Taking one moment of {database} and counting it …")
PACKING = Text("{rows:,}행을 {file}에 담습니다 …", "Packing {rows:,} rows into {file} …")
CHECKING = Text("{file}의 체크섬을 확인합니다 …", "Checking the checksums of {file} …")
RESTORING = Text("{database}에 복원합니다 …", "Restoring into {database} …")
PROVING = Text("복원한 데이터베이스를 백업과 대조합니다 …", "Holding the restored database against the backup …")

# --- Results

MADE = Text(
    "백업했습니다: {file} ({size})\n"
    "  기준 시각 {taken_at}, 마이그레이션 {revision}, {rows:,}행, 배출 {discharges:,}건 {grams:,} g",
    "Backed up: {file} ({size})\n"
    "  as of {taken_at}, migration {revision}, {rows:,} rows, {discharges:,} discharges of {grams:,} g",
)
KEEP_BESIDES = Text(
    "이 파일에는 개인정보와 게이트웨이 비밀키가 들어 있습니다. 데이터베이스와 같은 수준으로 보호하고 다른 곳에도 "
    "보관하세요.\n"
    "이 파일에 없는 것: {secret}(이것이 없으면 2단계 인증이 모두 풀려 다시 등록해야 합니다), JONGNYANG_… 설정, TLS "
    "인증서. 따로 보관하세요.",
    "The file holds personal data and the gateways' secrets: guard it as you guard the database, and keep a copy "
    "elsewhere.\n"
    "Not in it: {secret} (without it every second factor has to be set up anew), the settings JONGNYANG_…, the TLS "
    "certificate. Keep them apart from it.",
)
SECRET_FILE = Text("var/secret_key", "var/secret_key")
SECRET_SETTING = Text("JONGNYANG_SECRET_KEY", "JONGNYANG_SECRET_KEY")
REMOVED = Text("오래된 백업을 지웠습니다: {file}", "Removed an older backup: {file}")
WHOLE = Text(
    "{file}: 손상이 없습니다. 기준 시각 {taken_at}, 마이그레이션 {revision}, {rows:,}행, 배출 {discharges:,}건 "
    "{grams:,} g",
    "{file}: undamaged. As of {taken_at}, migration {revision}, {rows:,} rows, {discharges:,} discharges of "
    "{grams:,} g",
)
LISTED = Text(
    "{file}  {size}  {taken_at}  {revision}  배출 {discharges:,}건 {grams:,} g  {source}",
    "{file}  {size}  {taken_at}  {revision}  {discharges:,} discharges of {grams:,} g  {source}",
)
NO_BACKUPS = Text(
    "{folder}에 백업이 없습니다. 만들려면: jongnyang backup {folder}",
    "There is no backup in {folder}. To make one: jongnyang backup {folder}",
)
PROVED = Text(
    "백업이 그대로 복원됩니다: 표 {tables}개 {rows:,}행, 배출 {grams:,} g, 감사 기록과 집계까지 모두 같습니다. "
    "시험 데이터베이스는 지웠습니다.",
    "The backup comes back as it was: {tables} tables with {rows:,} rows, {grams:,} g of discharges, audit logs and "
    "rollups all agree. The trial database is gone.",
)
RESTORED = Text(
    "복원했습니다: 표 {tables}개 {rows:,}행, 배출 {grams:,} g이 백업과 같습니다.",
    "Restored: {tables} tables with {rows:,} rows and {grams:,} g of discharges are as in the backup.",
)
NEXT = Text(
    "다음: 1) JONGNYANG_DATABASE_URL을 이 데이터베이스로 바꾸고 서비스를 시작합니다. "
    "2) {taken_at} 이후 서비스가 받은 배출은 이 백업에 없습니다. 단말기는 서버가 확인한 기록을 스스로 다시 보내지 "
    "않습니다: docs/backup.md의 '복원 뒤'를 따르세요.",
    "Next: 1) point JONGNYANG_DATABASE_URL at this database and start the service. 2) What the service took in after "
    "{taken_at} is not in this backup, and gateways do not by themselves send again what was acknowledged: follow "
    "“After a restore” in docs/backup.md.",
)
UPGRADE = Text(
    "이 백업은 더 오래된 마이그레이션({found}, 최신 {head})입니다. 복원한 뒤 실행하세요: jongnyang db upgrade",
    "The backup is of an older migration ({found}, newest {head}). After restoring it, run: jongnyang db upgrade",
)
SEALS = {
    OTHER_KEY: Text(
        "이 백업은 다른 JONGNYANG_SECRET_KEY를 쓰는 서비스가 만들었습니다. 그 키를 되찾아 설정하세요. 없으면 모든 "
        "2단계 인증을 다시 등록해야 합니다.",
        "The backup was made by a service with another JONGNYANG_SECRET_KEY. Set that key here; without it every "
        "second "
        "factor has to be set up anew.",
    ),
    CHANGED: Text(
        "백업의 manifest.json이 만들어진 뒤에 바뀌었습니다. 누가 왜 바꾸었는지 모르면 이 백업을 쓰지 마세요.",
        "The manifest.json of the backup was changed after it was made. Do not use this backup unless you know by whom "
        "and why.",
    ),
}

# --- Differences

OTHER_REVISION = Text("마이그레이션: {found}, 백업은 {expected}", "migration: {found}, in the backup {expected}")
OTHER_ROWS = Text("{table}: {found:,}행, 백업은 {expected:,}행", "{table}: {found:,} rows, in the backup {expected:,}")
OTHER_SUM = Text(
    "{table}.{column} 합계: {found:,}, 백업은 {expected:,}",
    "sum of {table}.{column}: {found:,}, in the backup {expected:,}",
)
OTHER_HEAD = Text(
    "{district} 감사 기록의 끝이 다릅니다: {found}, 백업은 {expected}",
    "the audit log of {district} ends elsewhere: {found}, in the backup {expected}",
)
BROKEN_CHAIN = Text("{district} 감사 기록: {fault}", "audit log of {district}: {fault}")
ROLLUPS_DIFFER = Text(
    "{district}: 집계 {count:,}행이 원장과 다릅니다(jongnyang rollups check).",
    "{district}: {count:,} rollup rows differ from the ledger (jongnyang rollups check).",
)
FLAWED = Text(
    "{file}: 복원한 데이터베이스는 백업과 같지만, 위의 문제는 백업할 때 이미 있었습니다. 서비스의 데이터베이스를 "
    "먼저 확인하세요.",
    "{file} comes back as it was, but what is listed above was wrong already when it was made. Look into the "
    "database of "
    "the service.",
)
DIFFERS = Text(
    "{file}: 복원한 데이터베이스에서 {count}건이 맞지 않습니다. 그대로 쓰지 말고 다른 백업을 시험하세요: jongnyang "
    "restore FILE --verify",
    "{file}: {count} things of the restored database are not right. Do not rely on it; try another backup: "
    "jongnyang restore FILE --verify",
)

# --- Refusals

AT_WORK = Text(
    "{folder}에서 다른 백업이 진행 중입니다. 끝난 뒤 다시 실행하세요.",
    "Another backup is being made in {folder}. Run it again when that has ended.",
)
DISK_FULL = Text(
    "{folder}의 디스크가 가득 차서 만들지 못했고, 만들던 파일은 지웠습니다. 자리를 비우거나 다른 폴더를 지정한 뒤 "
    "다시 실행하세요.",
    "The disk of {folder} is full: nothing was made, and what had been written is removed. Make room or name another "
    "folder, and run it again.",
)
DAMAGED = Text(
    "{file}: 온전한 백업이 아닙니다({reason}). 이 파일은 쓰지 말고 다른 백업을 확인하세요: jongnyang backup list "
    "FOLDER",
    "{file} is no whole backup ({reason}). Do not use it; look for another one: jongnyang backup list FOLDER",
)
NOT_OURS = Text(
    "{file}: 이 프로그램이 읽을 수 있는 백업이 아닙니다({product}, 형식 {format}). 더 새로운 프로그램이 만들었다면 "
    "그 판을 설치하세요.",
    "{file} is no backup that this program can read ({product}, format {format}). If a newer program made it, "
    "install that.",
)
NEWER = Text(
    "{file}: 이 프로그램이 모르는 마이그레이션 {revision}의 백업입니다. jongnyang {version} 이상을 설치한 뒤 "
    "복원하세요.",
    "{file} is of the migration {revision}, which this program does not know. Install jongnyang {version} or newer, "
    "then restore.",
)
OTHER_KIND = Text(
    "{kind} 백업은 {database}에 복원할 수 없습니다. 같은 종류의 데이터베이스를 지정하세요(복원은 --into, 시험은 "
    "--server).",
    "A backup of {kind} cannot be restored into {database}. Name a database of the same kind (--into to restore, "
    "--server to verify).",
)
NO_DATABASE = Text(
    "데이터베이스 파일이 없습니다: {database}. JONGNYANG_DATABASE_URL을 확인하세요.",
    "There is no database file {database}. Check JONGNYANG_DATABASE_URL.",
)
NO_REVISION = Text(
    "{database}에는 서비스의 자료가 없습니다. JONGNYANG_DATABASE_URL을 확인하거나 먼저 실행하세요: jongnyang db "
    "upgrade",
    "{database} holds no data of the service. Check JONGNYANG_DATABASE_URL, or run first: jongnyang db upgrade",
)
FILE_EXISTS = Text(
    "{file}이(가) 이미 있습니다. 덮어쓰지 않습니다. 서비스를 멈추고 파일을 -wal, -shm과 함께 다른 곳으로 옮기거나 새 "
    "이름을 지정하세요.",
    "{file} is there already and is not overwritten. Stop the service and move the file away together with its -wal "
    "and "
    "-shm, or name a new one.",
)
NOT_EMPTY = Text(
    "{url}은(는) 비어 있지 않습니다. 아무것도 바꾸지 않았습니다. 새 데이터베이스를 만들어(createdb) 그 이름을 "
    "지정하세요.",
    "{url} is not empty, and was not changed. Make a new database (createdb) and name that.",
)
NO_CONNECTION = Text(
    "{url}에 연결할 수 없습니다: {reason}. 서버, 이름, 사용자, 비밀번호를 확인하세요.",
    "{url} cannot be reached: {reason}. Check server, name, user and password.",
)
MAY_NOT_CREATE = Text(
    "{user}은(는) {url}에 시험 데이터베이스를 만들 수 없습니다. CREATEDB 권한을 주거나 다른 서버를 지정하세요: "
    "--server URL",
    "{user} may not make a trial database at {url}. Give it CREATEDB, or name another server: --server URL",
)
UNSOUND = Text(
    "데이터베이스 파일의 내용이 어긋나 있습니다(integrity_check: {reason}). 이 파일로는 백업도 복원도 하지 않습니다. "
    "이전 백업을 시험하세요: jongnyang restore FILE --verify",
    "The database file contradicts itself (integrity_check: {reason}) and is neither backed up nor restored. Try the "
    "backups made before: jongnyang restore FILE --verify",
)
CANNOT_COPY = Text(
    "데이터베이스를 복사할 수 없습니다: {error}. 파일과 폴더의 권한을 확인하고 다시 실행하세요.",
    "The database cannot be copied: {error}. Check the permissions of file and folder, and run it again.",
)
TOOL_FAILED = Text(
    "{program}이(가) 실패했고, 아무것도 남기지 않았습니다. {program}의 메시지:\n{said}",
    "{program} failed and left nothing behind. It says:\n{said}",
)
NO_TOOLS = Text(
    "pg_dump와 pg_restore를 찾을 수 없습니다. PostgreSQL {needed}의 클라이언트를 설치하거나(apt-get install "
    "postgresql-client) JONGNYANG_PG_BIN에 폴더를 지정하세요.",
    "pg_dump and pg_restore are not to be found. Install the client of PostgreSQL {needed} (apt-get install "
    "postgresql-client), or name its folder in JONGNYANG_PG_BIN.",
)
OLD_TOOLS = Text(
    "PostgreSQL {needed}용 pg_dump가 필요하지만 찾은 것은 {major}입니다({folder}). postgresql-client-{needed}을(를) "
    "설치하거나 JONGNYANG_PG_BIN에 폴더를 지정하세요.",
    "PostgreSQL {needed} needs a pg_dump of at least that version; the newest here is {major} ({folder}). Install "
    "postgresql-client-{needed}, or name its folder in JONGNYANG_PG_BIN.",
)
