# imgsend-corpus.t - real files of many makers to imgrecv and to storescp: what
# the peer takes arrives as it was, and all else has a record that says why not.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
. "$TOP/tests/corpus.sh"
need jq storescp
[ -d "$CORPUS" ] || skip_all 'corpus absent'

to_it()
{
	timeout 120 imgsend -q -C none --retries 0 -c "P@127.0.0.1:$port" \
		"$@" "$CORPUS"
}

# arrived FOLDER: each file that was sent as it was is there to the byte.
arrived()
{
	as_is | sums | cut -d ' ' -f 3 | LC_ALL=C sort -u >want
	find "$1" -type f | sums | cut -d ' ' -f 3 | LC_ALL=C sort -u >have
	LC_ALL=C comm -23 want have >lost
	[ -s want ] && ! [ -s lost ]
}

# alike FOLDER: each that was not is there with its pixels and attributes.
alike()
{
	# This one has file meta information in its data set, too.
	recoded | grep -v /GH1376.dcm | identities_of >want
	find "$1" -type f | identities | cut -f 1 | LC_ALL=C sort -u >have
	LC_ALL=C comm -23 want have >lost
	[ -s want ] && [ "$(recoded | wc -l)" -ge "$(wc -l <want)" ] &&
		! [ -s lost ]
}

# became NAME WORD: what a file that is hard to take has ended with
became()
{
	ok "$1: $2" grep -q "^{\"status\":\"$2\",\"path\":\"[^\"]*/$1\"" out
}

# What is wrong with files themselves, whoever the peer is.
ours()
{
	reasons | grep -v ' refused: \| busy: \| transport: '
}
cat >wrong <<'!'
1 failed malformed: command element (group 0000) at byte N
1 failed malformed: item outside of a sequence at byte N
1 failed malformed: no VR and no length at byte N
27 failed malformed: without a valid SOPClassUID and SOPInstanceUID it cannot be sent
3 failed not-dicom: imgimport reads what is in it
1 failed not-dicom: no data set after the file meta information
2 failed not-dicom: not DICOM
6 failed truncated: ends at byte N
15 ignored: a directory of a medium (DICOMDIR)
2 ignored: not a DICOM file
!

# ---- imgrecv: everything -----------------------------------------------------

free_port
serve imgrecv -C theirs -p "$port" -a P
ok 'imgrecv is there' listening
exits 2 'to imgrecv' to_it --commit
ok 'each file has its record' each_told
# Of objects of several classes with one UID only the one that came first is
# vouched for, and which one does is a matter of time; of several with one UID
# and other bytes the first at the most, before another one was sent.
twice=$(grep -c 'class and instance do not belong together' out)
alike=$(grep -c 'unproved: other bytes with its UID were sent there' out)
ok 'what is sound is committed, or shares its UID' \
	test $(($(records committed) + alike + twice)) = 1069 \
	-a "$twice" -lt 20 -a "$alike" -gt 0
ok 'no more share theirs, and one of them is committed at the most' jq -es '
	map(select(.digest and .SOPInstanceUID)) | group_by(.SOPInstanceUID) |
	all((map(.digest) | unique | length) as $n |
		all($n > 1 or (tostring | contains("other bytes") | not)) and
		(map(select(.status == "committed").digest) |
			unique | length) <= 1)' out
ours >o
same 'what is wrong itself is not' o <wrong
reasons | grep ' refused: ' | grep -v ' do not belong together' >o
# One has a JPEG stream of an odd length where native pixels are.
same 'nor is another one' o <<'!'
1 failed refused: its frames are compressed with loss
!
ok 'all arrives as it was' arrived theirs/objects
ok 'or, of odd length, with the same content' alike theirs/objects
became HTJ2KLossless_08_RGB.dcm committed
became HTJ2K_08_RGB.dcm committed
became will-jxl.dcm committed
became chrH32.dcm committed
became fall.dcm committed
became GH220.dcm committed
gone "$peer"

# ---- storescp: what DCMTK knows ---------------------------------------------

store_scp got -pm +xa +B +uf
exits 2 'to storescp' to_it
ok 'each file has its record' each_told
ok 'nearly all are sent' test "$(records sent)" -gt 1050
ours >o
same 'others are refused, or wrong themselves' o <wrong
ok 'as many arrive as were sent' test "$(find got -type f | wc -l)" = \
	"$(records sent)"
ok 'all as they were' arrived got
ok 'or, recoded, with the same content' alike got
became HTJ2KLossless_08_RGB.dcm sent
became HTJ2K_08_RGB.dcm refused
became will-jxl.dcm refused
became chrH32.dcm sent
became GH220.dcm sent
gone "$peer"
rm -rf got

# ---- storescp as it is: no compression --------------------------------------

store_scp few -pm +B +uf
exits 2 'to a peer without compression' to_it
ok 'each file has its record' each_told
# Where frames have to be decoded, they have to be sound, too.
ours | grep -v 'malformed: does not begin like JPEG$' >o
same 'others are refused, or wrong themselves' o <wrong
ok 'those with loss are refused' grep -q \
	'^{"status":"refused".*"TransferSyntaxUID":"1.2.840.10008.1.2.4.50"' out
ok 'none of them is decoded' test "$(grep '^{"status":"sent"' out |
	grep -c '"TransferSyntaxUID":"1.2.840.10008.1.2.4.\(50\|51\|81\|91\|203\)"')" = 0
ok 'as many arrive as were sent' test "$(find few -type f | wc -l)" = \
	"$(records sent)"
ok 'as they were' arrived few
ok 'dozens are decoded' test "$(recoded | wc -l)" -gt 60
ok 'and are the same' alike few
finish
