# advisories.t - every published defect of the libraries that reaches us has a
# case of ours, and that case ends as it should.  tests/data/advisories.tab is
# the table.
. "$(dirname "$0")/lib.sh"
need b2sum dcmcjpeg mkcases mkhostile nm peer
. "$TOP/tests/archive.sh"
. "$TOP/tests/cases.sh"
. "$TOP/tests/recv.sh"

# What was freed is to be used again, so that what grows is a leak.
small=quarantine_size_mb=1:thread_local_quarantine_size_kb=64
ASAN_OPTIONS=$ASAN_OPTIONS:$small
export ASAN_OPTIONS

grep -v '^#' "$TOP/tests/data/advisories.tab" | grep . >tab

# Those that have to be there.
tr ' ' '\n' >wanted <<'!'
CVE-2019-1010228 CVE-2019-11687 CVE-2020-36855 CVE-2021-41687 CVE-2021-41688
CVE-2021-41689 CVE-2021-41690 CVE-2022-2119 CVE-2022-2120 CVE-2022-2121
CVE-2022-43272 CVE-2022-4981 CVE-2023-33466 CVE-2024-20696 CVE-2024-22373
CVE-2024-22391 CVE-2024-25569 CVE-2024-26256 CVE-2024-27628 CVE-2024-28130
CVE-2024-34508 CVE-2024-34509 CVE-2024-47796 CVE-2024-52333 CVE-2025-14607
CVE-2025-14841 CVE-2025-2357 CVE-2025-25472 CVE-2025-25474 CVE-2025-25475
CVE-2025-52582 CVE-2025-5914 CVE-2025-5915 CVE-2025-5916 CVE-2025-5917
CVE-2025-5918 CVE-2025-9732 CVE-2026-10194 CVE-2026-12805 CVE-2026-14164
CVE-2026-15028 CVE-2026-16517 CVE-2026-32711 CVE-2026-35505 CVE-2026-3650
CVE-2026-4111 CVE-2026-4424 CVE-2026-4426 CVE-2026-44628 CVE-2026-50003
CVE-2026-50254 CVE-2026-5121 CVE-2026-52868 CVE-2026-5437 CVE-2026-5438
CVE-2026-5439 CVE-2026-5440 CVE-2026-5441 CVE-2026-5442 CVE-2026-5443
CVE-2026-5444 CVE-2026-5445 CVE-2026-56445 CVE-2026-5663 DCMTK-1549d8ccc
DCMTK-24a4a4d23 DCMTK-31ff413f9 DCMTK-3aafabe88 DCMTK-4527dff56
DCMTK-45469f3c3 DCMTK-664163acc DCMTK-885ff0f10 DCMTK-a2fef890f
DCMTK-b5a0196c2 DCMTK-d12e350e6 DCMTK-e267be7ff DCMTK-ea276a6ec
DCMTK-f93cf77f1 libarchive-2983
!
LC_ALL=C sort -u wanted >w && cut -f 1 tab | LC_ALL=C sort -u >h
ok 'each has a case' test -z "$(LC_ALL=C comm -23 w h)"
ok 'a case is of a kind' test -z "$(cut -f 2 tab |
	grep -vxE 'dicom|file|archive|peer|unused|test')"

# rows KIND: ids, cases and what is expected
of_kind()
{
	awk -F '\t' -v kind="$1" '$2 == kind {
		print $1 "\t" $3 "\t" ($4 == "" ? "-" : $4) }' tab
}

# ---- DICOM files ----------------------------------------------------------

if ! cases_make 2>err; then
	fail_ 'the cases are made' err
	finish
fi
of_kind dicom | cut -f 2 | LC_ALL=C sort -u >names
cut -f 1 list.tsv | LC_ALL=C sort >there
ok 'all that are named are there' test -z "$(LC_ALL=C comm -23 names there)"
find in -name '*.dcm' | sed 's|in/||; s|\.dcm$||' | grep -vxFf names |
	while read -r n; do rm "in/$n.dcm"; done
imganon --new-key key >out
imgimport -q -C arch in >import.out 2>err
imgverify -q --deep in >deep.out 2>err
imganon -q --key key --pixels keep --id-map map -o anon in >anon.out 2>err
imgexport -q --as png --layout '{SOPInstanceUID}' -o png in >png.out 2>err
imgexport -q --transfer-syntax explicit --allow lossy -o recode \
	--layout '{SOPInstanceUID}' in >recode.out 2>err
# The scripts come from one address, one behind the other.
ok 'a listener' recv_start --max-bad 0
imgsend -q -C sent -c "IMGRECV@127.0.0.1:$port" in >send.out 2>err
for c in import deep anon png recode send; do
	cases_judge $c
done
cases_join import deep anon png recode send
of_kind dicom | while IFS="$(printf '\t')" read -r id name _; do
	want=$(awk -F '\t' -v n="$name" '$1 == n' list.tsv | cut -f 3-)
	have=$(awk -F '\t' -v n="$name" '$1 == n' got | cut -f 2-)
	echo "$id $name $want / $have"
	[ "$want" = "$have" ] && [ -n "$want" ] && echo yes || echo no
done >judged
while read -r line && read -r good; do
	ok "$line" test "$good" = yes
done <judged

# ---- files and archives -----------------------------------------------------

{ of_kind file && of_kind archive; } >rows
while IFS="$(printf '\t')" read -r id kind want; do
	mkhostile "$kind" >"$kind"
	rm -rf a
	timeout 60 imgimport -q -C a "$kind" >out 2>err </dev/null
	status=$?
	codes=$(grep -o '"code":"[a-z-]*"' out | cut -d '"' -f 4 |
		LC_ALL=C sort -u | paste -s -d , -)
	ok "$id $kind: $want" test "$status${codes:+ $codes}" = "$want"
	rm -rf a "$kind"
done <rows

# ---- peers ----------------------------------------------------------------

of_kind peer >rows
while IFS="$(printf '\t')" read -r id script want; do
	peer "$port" "$script" >out 2>err </dev/null
	ok "$id $script: $want" grep -qx "$script: $want" out
done <rows

# ---- what is not used -------------------------------------------------------

for b in "$O"/bin/*; do
	nm -D --undefined-only "$b"
	ldd "$b"
done >used
of_kind unused >rows
while IFS="$(printf '\t')" read -r id what _; do
	ok "$id: $what is not used" sh -c '! grep -qE "$0" used' "$what"
done <rows
ok 'but what is used is seen' grep -q support_format_zip used

# ---- checks -----------------------------------------------------------------

# resident: KiB of the listener and its children
resident()
{
	for p_ in $recv $(pgrep -P "$recv"); do
		cat "/proc/$p_/status" 2>/dev/null
	done | awk '/^VmRSS/ { n += $2 } END { print n }'
}

# Associations with many identities, requests that break off, releases.
leaks()
{
	# shellcheck disable=SC2046 # names
	many=$(printf 'identities-3 cut-off-100 release-twice %.0s' $(seq 40))
	peer "$port" $many >out || return
	before=$(resident)
	peer "$port" $many >out && peer "$port" $many >out || return
	sleep 1
	after=$(resident)
	echo "$before KiB, then $after KiB"
	[ $((after - before)) -le 1024 ]
}

# A worker has its connection, and not the socket that listens.
sockets()
{
	hex=$(printf ':%04X' "$port")
	inode=$(awk -v p="$hex" '$4 == "0A" && index($2, p) { print $10 }' \
		/proc/net/tcp)
	[ -n "$inode" ] && find "/proc/$recv/fd" -lname "socket:?$inode?" |
		grep -q . || return
	peer "$port" silent >/dev/null &
	silent=$!
	sleep 0.5
	[ "$(pgrep -cP "$recv")" -ge 2 ] || return
	for p in $(pgrep -P "$recv"); do
		if find "/proc/$p/fd" -lname "socket:?$inode?" | grep -q .; then
			echo "$p has it"
			return 1
		fi
	done
	kill $silent
}
of_kind test >rows
while IFS="$(printf '\t')" read -r id what _; do
	ok "$id: $what" "$what"
done <rows
exits 143 'the listener lives to the end' recv_stop
finish
