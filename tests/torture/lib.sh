# lib.sh - what the torture tests share.
#
# O is the build folder.  The caller stands in a folder of its own.
#
#   inputs             makes in/: folders, a zip and a tar of images
#   few                makes in/: three images, and three in a zip
#   listens FILE       waits for the imgrecv whose stderr FILE is, sets port
#   into_got           starts a storescp that stores in got: peer, port
#   with_twin ARCH     imports in/, and one of it, twin_, with other bytes
#   session ARCH OUT   imports all of in/, part by part; records to OUT
#   state ARCH         what the catalog holds, as text
#   check ARCH OUT     whether what OUT says is so: 0, or says what is not
#   recover ARCH OUT   runs the session to its end, and compares with ref
#   all_of ARCH OUT REF  whether all is as without interruption
#   random MAX N       the Nth number of seconds, 0 to MAX, three places
#
# The checks are not made with the tools under test: sqlite3 and b2sum.
#
# shellcheck shell=sh disable=SC2034,SC2154
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
O=${O:-$TOP/build}
PATH=$O/bin:$O/tools:$PATH
LC_ALL=C
export PATH LC_ALL
SEED=${SEED:-1}

quit()
{
	echo "$(basename "$0" .sh): $*" >&2
	exit 3
}

# need COMMAND ...
need()
{
	for c_; do
		command -v "$c_" >/dev/null || quit "$c_ is not here"
	done
}

# PER files a part
inputs()
{
	phantom small raw $((${PER:-60} * 6)) || quit 'no inputs'
	mkdir in
	find raw -type f | LC_ALL=C sort | awk -v per="${PER:-60}" '
		{ print int((NR - 1) / per) " " $0 }' | while read -r n f; do
		mkdir -p "parts/$n" && mv "$f" "parts/$n/$(basename "$f")-$n"
	done
	mv parts/0 parts/1 parts/4 parts/5 in/
	(cd parts && zip -qr ../in/2.zip 2 && bsdtar -czf ../in/3.tar.gz 3)
	rm -rf raw parts
}

few()
{
	mkdir raw && phantom small raw 6 >/dev/null && mkdir -p in/z
	find raw -type f | sort >list
	head -n 3 list | while read -r f; do mv "$f" in/; done
	tail -n 3 list | while read -r f; do mv "$f" in/z/; done
	(cd in && zip -qr z.zip z && rm -r z) && rm -r raw
}

with_twin()
{
	imgimport -q -C "$1" in >/dev/null || quit 'no archive'
	twin_=$(find in -type f | sort | head -n 1)
	mkdir other && { cat "$twin_" && printf 'Zz'; } >other/1.dcm
	imgimport -q -C "$1" other >/dev/null 2>&1
}

listens()
{
	for _ in $(seq 3000); do
		port=$(sed -n 's/^imgrecv: listening at 127.0.0.1://p' "$1")
		[ -z "$port" ] || return 0
		sleep 0.02
	done
	quit "does not listen: $(cat "$1")"
}

into_got()
{
	port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
		Listen => 1, LocalAddr => "127.0.0.1")->sockport')
	mkdir -p got
	storescp --fork -od got "$port" >/dev/null 2>&1 &
	peer=$!
	perl -MIO::Socket::INET -e 'for (1 .. 100) {
		exit 0 if IO::Socket::INET->new(PeerAddr => "127.0.0.1",
			PeerPort => $ARGV[0]);
		select undef, undef, undef, 0.05 } exit 1' "$port" ||
		quit 'no peer'
}

# The shell that runs it ends with the first import that fails.
session()
{
	for part_ in in/*; do
		${PRELOAD:+env LD_PRELOAD="$PRELOAD"} \
			imgimport -q -C "$1" "$part_" >>"$2" 2>>err || return
	done
}

state()
{
	sqlite3 "$1/catalog.db" 'SELECT SOPInstanceUID, current, n,
		lower(hex(digest)), bytes FROM instance
		JOIN object ON object.instance = instance.id
		ORDER BY SOPInstanceUID, n'
}

problem()
{
	echo "$1: $(wc -l <"$2") such as $(head -n 1 "$2")"
	bad_=1
}

# Every line of $1 is in $2; else problem $3.
within()
{
	LC_ALL=C comm -23 "$1" "$2" >c.diff
	[ ! -s c.diff ] || problem "$3" c.diff
}

check()
{
	bad_=0
	# Only whole lines are records.
	grep -E '^{"status":"(stored|duplicate)".*}$' "$2" |
		sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/' | LC_ALL=C sort -u >c.said
	find "$1/objects" -type f 2>/dev/null | sed 's|.*/||' |
		LC_ALL=C sort >c.files
	within c.said c.files 'said to be stored, and no object'
	find "$1/objects" -type f -exec b2sum -l 256 {} + 2>/dev/null |
		awk '{ n = $2; sub(/.*\//, "", n) } n != $1 { print n }' >c.diff
	[ ! -s c.diff ] || problem 'object with wrong bytes' c.diff
	: >c.rows
	if [ -s "$1/catalog.db" ]; then
		# A copy, so that the tool under test meets what was left.
		rm -rf c.copy && mkdir c.copy && cp "$1"/catalog.db* c.copy/
		rm -f c.copy/*-shm
		sqlite3 c.copy/catalog.db 'PRAGMA integrity_check' >c.diff 2>&1
		[ "$(cat c.diff)" = ok ] || problem 'catalog damaged' c.diff
		[ -z "$(sqlite3 c.copy/catalog.db .tables)" ] ||
			sqlite3 c.copy/catalog.db \
				'SELECT lower(hex(digest)) FROM object' |
			LC_ALL=C sort -u >c.rows
	fi
	within c.said c.rows 'said to be stored, and not catalogued'
	within c.rows c.files 'catalogued, and no object'
	# A cut may leave zeros at its end, which the next commit takes away.
	grep -aoE '"digest":"[0-9a-f]{64}"' "$1/audit.log" 2>/dev/null |
		cut -d '"' -f 4 | LC_ALL=C sort -u >c.audit
	within c.said c.audit 'said to be stored, and not in the audit log'
	said_=$(wc -l <c.said)
	return $bad_
}

recover()
{
	if ! session "$1" "$2"; then
		echo "the import does not finish: $(tail -n 1 err)"
		return 1
	fi
	all_of "$1" "$2" ref
}

all_of()
{
	check "$1" "$2" || return 1
	state "$1" >c.state
	cmp -s c.state "$3" || {
		echo 'the catalog is not as without interruption'
		return 1
	}
	[ -z "$(ls "$1/tmp")" ] || {
		echo "left in tmp: $(ls "$1/tmp")"
		return 1
	}
	imgverify -q -C "$1" >c.verify 2>&1 || {
		echo "imgverify: $(tail -n 1 c.verify)"
		return 1
	}
	imgverify -q --audit -C "$1" >c.verify 2>&1 || {
		echo "imgverify --audit: $(tail -n 1 c.verify)"
		return 1
	}
}

random()
{
	awk -v seed="$((SEED * 100003 + $2))" -v max="$1" 'BEGIN {
		srand(seed); rand(); rand(); printf "%.3f\n", rand() * max }'
}

# The reference: a session without interruption, and how long it takes.
reference()
{
	begin_=$(date +%s.%N)
	session refarch ref.out || quit "the import fails: $(cat err)"
	T=$(awk -v a="$begin_" -v b="$(date +%s.%N)" 'BEGIN {
		printf "%.3f", (b - a) * 1.1 }')
	state refarch >ref
	[ -s ref ] || quit 'the reference is empty'
	rm -rf refarch
}
