# dicom.t - the reader over files: what it says of odd and hostile ones, and
# what that costs.
. "$(dirname "$0")/lib.sh"

# verdict NAME: what dcmevents says of the sample.
verdict()
{
	dcmevents -s "$1" | cut -f 2,7
}

mkdir seeds
exits 0 'samples are made' dcmseeds seeds

# ---- words ---------------------------------------------------------------

for f in short-value hugelen-ob hugelen-item beyond-item item-at-top \
	nest65 only-meta text command cut-deflate; do
	verdict seeds/$f
done >got
same 'the message says what, where, and how much is missing' got <<'!'
truncated	seeds/short-value: ends at byte 271, element (0010,0010) needs 15 more
truncated	seeds/hugelen-ob: ends at byte 370, element (7fe0,0010) needs 4294967194 more
truncated	seeds/hugelen-item: ends at byte 278, element (fffe,e000) needs 4294967280 more
malformed	seeds/beyond-item: element longer than what holds it at byte 268
malformed	seeds/item-at-top: item outside of a sequence at byte 258
limit	seeds/nest65: more than 64 nested sequences at byte 1528
not-dicom	seeds/only-meta: no data set after the file meta information
not-dicom	seeds/text: not DICOM
not-dicom	seeds/command: a command set, not a data set
truncated	seeds/cut-deflate: ends at byte 398, inside the deflated data set
!
ok 'no value of a patient is ever shown' sh -c \
	'! dcmevents -s seeds/* | cut -f 7 | grep -i "synthetic\|T1"'

# ---- hostile ones cost nothing --------------------------------------------

# small COMMAND: at most 64 MiB and 10 s.  A sanitizer needs more.
need prlimit
as=--as=67108864
grep -q __asan_init "$O/tools/dcmevents" && as=
small()
{
	prlimit $as --cpu=10 "$@" 2>&1
}
dcmseeds . explicit nest20000 bomb million big-value
for f in nest20000 bomb big-value seeds/hugelen-ob seeds/hugelen-sq; do
	small dcmevents -s "$f" | cut -f 2
done >got
same 'nesting, a deflate bomb, a giant value, lengths that lie' got <<'!'
limit
limit
ok
truncated
truncated
!
small dcmevents -s million | cut -f 2,5 >got
same 'a million elements' got <<'!'
ok	1000006
!

# 3 GiB of pixel data in a sparse file, and one byte less.
size=$(wc -c <explicit)
head -c $((size - 16)) explicit >giant
printf 'OW\0\0\0\0\0\300' >>giant
truncate -s $((size + 3221225472 - 8)) giant
small dcmevents -s giant | cut -f 2,4,6 >got
same '3 GiB of pixel data are skipped' got <<'!'
ok	0000	0
!
truncate -s -1 giant
verdict giant | grep -o 'needs .*' >got
same 'and a byte that is missing is missed' got <<'!'
needs 1 more
!

# ---- the end of the road --------------------------------------------------

: >nothing
verdict nothing >got
same 'an empty file is not DICOM' got <<'!'
not-dicom	nothing: empty
!
exits 2 'status tells that one is bad' dcmevents -s explicit seeds/short-value

finish
