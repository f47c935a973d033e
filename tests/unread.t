#!/bin/sh
# unread.t - what cannot be read is not taken for what is not there: the rest of
# a folder, an archive.
. "$(dirname "$0")/lib.sh"
need perl sqlite3 strace
grep -q __asan_init "$O/bin/imganon" &&
	skip_all 'a sanitizer does not bear a tracer'

mkdir -p in/a in/b
phantom one --modality CT --uid 2.25.1 in/a/1.dcm
phantom one --modality CT --uid 2.25.2 in/b/2.dcm
imganon --new-key key

# unread K COMMAND ...: the Kth read of names in folders fails
unread()
{
	k_=$1
	shift
	strace -f -qq -o /dev/null -e trace=getdents64 \
		-e inject=getdents64:error=EIO:when="$k_" "$@"
}

records()
{
	grep -c "^{\"status\":\"$1\"" out
}

# Each folder is read by two calls, the second of which finds the end.
for k in 1 2; do
	exits 3 "a folder fails at its call $k" \
		unread $k imganon -q --key key -o none in
	same 'is the failure of the folder' out <<!
{"status":"failed","path":"in","error":{"code":"io","message":"in: Input/output error","by":"imganon"}}
!
done
for k in 5 6; do
	exits 2 "one below it fails, at call $k" \
		unread $k imganon -q --key key -o an$k in
	grep '"failed"' out >got
	same 'is the failure of that folder' got <<!
{"status":"failed","path":"in/b","error":{"code":"io","message":"in/b: Input/output error","by":"imganon"}}
!
	ok 'the other one is read' test "$(records deidentified)" = 1
done

exits 1 'a folder that is to be a medium' unread 1 imgverify -q --media in
ok 'cannot be read' grep -q \
	'^{"status":"damaged","path":".","reason":"in: Input/output error"' out

# ---- what a DICOMDIR lists ------------------------------------------------

if command -v dcmmkdir >/dev/null; then
	mkdir -p d/A/B && cp in/a/1.dcm d/A/IM1 && cp in/b/2.dcm d/A/B/IM2
	(cd d && dcmmkdir -q +r +id .) 2>/dev/null
	k=0 met=0 wrong=
	while k=$((k + 1)); do
		rm -rf from
		strace -f -qq -o trace -P d/A/B -e trace=getdents64 \
			-e inject=getdents64:error=EIO:when="$k+" \
			imgimport -q -C from d >out 2>err
		status=$?
		grep -q INJECTED trace || break
		grep -q '^{"status":"failed","path":"d/DICOMDIR",' out &&
			met=$((met + 1))
		[ $status = 2 ] && grep -q 'd/A/B: Input/output error' out &&
			! grep -q '"absent":[1-9]\|"unlisted":[1-9]' out ||
			wrong="$wrong $k"
	done
	ok 'what could not be looked for is not absent' \
		test $met -gt 2 -a -z "$wrong"
	rm -rf from
else
	skip 'what could not be looked for' 'dcmmkdir is not here'
fi

# ---- where an export goes -------------------------------------------------

imgimport -q -C arch in >/dev/null
# reads DEST: how many there are
reads()
{
	strace -f -qq -o trace -e trace=getdents64 imgexport -q -C arch \
		-o "$1" 2.25.1 2.25.2 >/dev/null
	grep -c getdents64 trace
}

mkdir full && touch full/mine
# It is the last that is looked at: something is there.
exits 3 'a folder that may be empty, and cannot be read' \
	unread "$(reads full 2>/dev/null)+" imgexport -q -C arch -o full 2.25.1
ok 'is not written to' test "$(ls full)" = mine
ok 'and that is said' grep -qx 'imgexport: full: Input/output error' err

mkdir mnt
if mount -t tmpfs none mnt 2>/dev/null; then
	mounted=$PWD/mnt
	trap 'cd / && umount "$mounted"; rm -rf "$T"' EXIT
	# The last two are of what is removed.
	n=$(reads mnt)
	for k in $((n - 3)) $((n - 2)); do
		rm -rf mnt/*
		unread "$k" imgexport -q -C arch -o mnt 2.25.1 2.25.2 >out 2>err
		status=$?
		ok "what is moved into a mounted folder, call $k" \
			test $status = 3
		ok 'has no manifest when some of it was not seen' \
			test ! -e mnt/MANIFEST.TXT
		ok 'and no record of anything else' test \
			"$(records exported) $(records failed)" = '0 2'
	done
	umount mnt
	trap 'cd / && rm -rf "$T"' EXIT
else
	skip 'what is moved into a mounted folder' 'nothing can be mounted'
fi

# ---- whether an archive is there ------------------------------------------

# unseen K COMMAND ...: the Kth look whether arch has a catalog fails
unseen()
{
	k_=$1
	shift
	strace -f -qq -o /dev/null -P arch/catalog.db -e trace=access \
		-e inject=access:error=EIO:when="$k_" "$@" 2>err_
	status_=$?
	grep -v '^strace: ' err_ >&2
	return $status_
}

exits 3 'an archive whose ledger cannot be found' unseen 1+ imgsend -q -C arch \
	-c "X@127.0.0.1:1" --retries 0 in
same 'is not none' err <<!
imgsend: arch/catalog.db: Input/output error
!
ok 'and nothing is sent' test ! -s out

sqlite3 arch/catalog.db "INSERT INTO peer VALUES (1, 'X', 0);
	INSERT INTO sent SELECT 1, SOPInstanceUID, zeroblob(32), 'sent', 0,
		'response', '2026-01-01T00:00:00Z', 0 FROM instance"
for k in 1 2 3 4 5 6 7 8; do
	unseen $k imgverify -q -C arch --rebuild >out 2>err
	status=$?
	ok "a rebuild that does not see the catalog, look $k" \
		test $status = 0 -o $status = 3
	ok 'does not say that there is none' test ! -s out
	ok 'and keeps what was sent' test "$(sqlite3 arch/catalog.db \
		'SELECT count(*) FROM sent')" = 2
done

# ---- an object that cannot be read now --------------------------------------

imgimport -q -C kept in >/dev/null
o=$(find kept/objects -type f | LC_ALL=C sort | head -n 1)
# unreadable CALL ERROR WORDS ...: of imgverify, such a call on that object
unreadable()
{
	call_=$1 error_=$2
	shift 2
	strace -f -qq -o /dev/null -P "$o" -e trace="$call_" \
		-e inject="$call_:error=$error_" imgverify -q -C kept "$@" \
		2>err_
	status_=$?
	grep -v '^strace: ' err_ >&2
	return $status_
}

for call in newfstatat pread64; do
	for error in ENOMEM ENOSPC; do
		exits 2 "$call of an object: $error" \
			unreadable $call $error --scrub
		ok 'is not damage' test "$(records damaged)" = 0
		ok 'nor is it intact' test "$(records failed)" = 1
		ok 'and why is said' grep -q "${o#kept/objects/}: [NC]" err
	done
	exits 1 "$call of an object: EIO" unreadable $call EIO --scrub
	ok 'is damage' test "$(records damaged)" = 1
	ok 'and no other bytes' grep -q \
		'"reason":"its bytes cannot be read from the medium"' out
done
exits 3 'a rebuild leaves out none for that' \
	unreadable pread64 ENOMEM --rebuild
ok 'but leaves the catalog as it was' test "$(sqlite3 kept/catalog.db \
	'SELECT count(*) FROM object')" = 2
exits 0 'the next scrub' imgverify -q -C kept --scrub

# ---- a disk that fails is no damage -----------------------------------------

imgimport -q -C arch in >/dev/null
# met FILE CALL ERROR WHEN COMMAND ...: a call for a file of the catalog fails
met()
{
	file_=arch/$1 call_=$2 how_=error=$3:when=$4
	shift 4
	strace -f -qq -o trace -P "$file_" -e trace="$call_" \
		-e inject="$call_:$how_" "$@" 2>err_
	status_=$?
	grep -v '^strace: ' err_ >&2
	return $status_
}

k=0 wrong=
while k=$((k + 2)); do
	met catalog.db pread64 EIO $k imgquery -q -C arch --format jsonl >out 2>err
	status=$?
	grep -q INJECTED trace || break
	echo 'imgquery: arch/catalog.db: Input/output error' | cmp -s - err &&
		test $status = 3 -a ! -s out || wrong="$wrong $k"
done
ok 'each read of the catalog that fails is told as that' \
	test $k -gt 5 -a -z "$wrong"

k=0 wrong=
while k=$((k + 2)); do
	met catalog.db pread64 EIO $k imgverify -q -C arch --rebuild >out 2>err
	status=$?
	grep -q INJECTED trace || break
	test $status = 0 -o $status = 3 && test ! -s out &&
		! grep -Ev 'arch/catalog.db(.new)?: Input/output error$' err &&
		test "$(sqlite3 arch/catalog.db \
			'SELECT count(*) FROM sent')" = 2 || wrong="$wrong $k"
done
ok 'and no rebuild leaves out what it could not read' \
	test $k -gt 5 -a -z "$wrong"

phantom one --modality CT --uid 2.25.3 more.dcm
imgquery -q -C arch >out
while read -r file call error word; do
	exits 3 "$call of $file: $error" \
		met "$file" "$call" "$error" 1+ imgimport -q -C arch more.dcm
	echo "imgimport: arch/catalog.db: $word" >want
	ok 'is told in the words of the system' \
		cmp -s want - <<!
$(sed 's/ more.dcm: not stored://' err)
!
	ok 'and of nothing it is said to be stored' test "$(records stored)" = 0
done <<'!'
catalog.db openat EROFS Read-only file system
catalog.db-shm openat ENOSPC No space left on device
catalog.db-shm fcntl ENOLCK No locks available
catalog.db-wal pwrite64 ENOSPC No space left on device
catalog.db-wal fdatasync EIO Input/output error
!
exits 0 'and then it is' imgimport -q -C arch more.dcm

# ---- what is looked at in a file or a disc ---------------------------------

# each CALL COMMAND ...: so often as it makes such calls, one of them failing;
# what is said goes to all, each status to statuses
each()
{
	call_=$1
	shift
	: >all
	: >statuses
	strace -f -qq -o trace -e trace="$call_" "$@" >out 2>err
	n_=$(grep -c "$call_(" trace)
	for k in $(seq "$n_"); do
		strace -f -qq -o /dev/null -e trace="$call_" \
			-e inject="$call_:error=EIO:when=$k" "$@" >out 2>err
		echo $? >>statuses
		cat out >>all
	done
}

mkdir dcm phi && phantom one --modality CT --id PAT-4711 --uid 2.25.8 dcm/8.dcm
imgimport -q -C phi/arch dcm >/dev/null
imganon -q --key key -o phi/anon dcm/8.dcm >/dev/null
f=$(find phi/anon -type f) && chmod u+w "$f"
exits 0 'what is not identifying' imgverify -q --phi phi/arch "$f"
printf PAT-4711 | dd of="$f" conv=notrunc 2>/dev/null
exits 1 'but in its preamble' imgverify -q --phi phi/arch "$f"
each pread64 imgverify -q --phi phi/arch "$f"
ok 'is never called clean' test -s statuses -a \
	"$(grep -c '^0' statuses)" = 0

each pread64 imgverify -q -C phi/arch --against dcm
ok 'of another copy no file is passed over' test -s all -a \
	"$(grep -c '"missing"' all)" = "$(grep -c '"damaged"' all)"

mkdir disc && phantom one --modality CT --uid 2.25.5 disc/5.dcm
imgexport -q --media -C arch -o disc/m 2.25.1 2.25.2 >/dev/null
chmod -R u+w disc && mv disc/m/* disc/ && rmdir disc/m
for call in getdents64 pread64 openat; do
	each $call imgimport -q -n -C new disc
	grep '"reason":"DICOMDIR"' all |
		grep -v '"absent":0,"unlisted":1,' >untold
	ok "a DICOMDIR is not compared with what is there, $call" \
		test -s all -a ! -s untold
	ok 'and some were told' grep -q 'DICOMDIR.*Input/output error' all
done

# ---- what is new, and what is lost ------------------------------------------

# The audit log is looked at only when another import has made the archive.
rm -rf new && strace -f -qq -o /dev/null -P new/audit.log -e trace=newfstatat \
	-e inject=newfstatat:delay_enter=2000000:when=1 \
	imgimport -q -C new in/a >out 2>err &
sleep 0.7
imgimport -q -C new in/b >/dev/null
wait $!
status=$?
ok 'of two that make an archive none takes it for a lost one' \
	test $status = 0 -a "$(records stored)" = 1

# A catalog of which only the first page was copied, and not its log.
rm -f new/catalog.db*
sqlite3 new/catalog.db 'PRAGMA journal_mode = WAL' >out
exits 3 'a catalog without its tables is lost' imgimport -q -C new in
same 'as one that is gone' err <<'!'
imgimport: new/catalog.db: is gone, and the archive is not new; imgverify --rebuild makes it again
!
exits 3 'for a query, too' imgquery -C new
same 'in the same words' err <<'!'
imgquery: new/catalog.db: is gone, and the archive is not new; imgverify --rebuild makes it again
!

for kind in empty without-tables; do
	if [ $kind = empty ]; then
		rm -f new/catalog.db* && : >new/catalog.db
	fi
	strace -f -qq -o trace -P new/catalog.db -e trace=link \
		-e inject=link:signal=KILL imgverify -q -C new --rebuild \
		>out 2>err
	ok 'a rebuild is killed' grep -q 'killed by SIGKILL' trace
	exits 3 "where the catalog was $kind: it is lost as before" \
		imgimport -q -C new in
	rm -f new/catalog.db*
	sqlite3 new/catalog.db 'PRAGMA journal_mode = WAL' >out
done
exits 1 'the next rebuild' imgverify -q -C new --rebuild
ok 'has all objects' test "$(sqlite3 new/catalog.db \
	'SELECT count(*) FROM object')" = 2
# ---- a query --------------------------------------------------------------

# A value for which there is no memory would match nothing.
imgimport -q -C asked in >out 2>err
long=$(printf %01500d 1)
# asked WHICH: a query whose request of memory WHICH fails
asked()
{
	LD_PRELOAD=$O/tools/scant.so SCANT=memory:$1 SCANT_LOG=$PWD/scant \
		imgquery -q -C asked --format jsonl \
		"PatientID=TEST-0001\\$long" >out 2>err
}
asked 0
all=$(perl -e 'read STDIN, my $x, 8; print unpack "Q", $x' <scant)
: >told
for k in $(seq $((all - 130)) "$all"); do
	asked "$k"
	status=$?
	[ $status = 3 ] || echo "$status $(wc -l <out)" >>told
done
LC_ALL=C sort -u -o told told
same 'without memory nothing is said to match nothing' told <<'!'
0 1
!
finish
