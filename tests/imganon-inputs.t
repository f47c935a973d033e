# imganon-inputs.t - every input has a record, and is what it is said to be.
. "$(dirname "$0")/lib.sh"
need perl

one()
{
	phantom one --uid "2.25.$1" --study 2.25.10 --series 2.25.11 \
		--modality CT "$2"
}
one 1001 a.dcm
one 1002 b.dcm
imganon --new-key key
anon()
{
	imganon -q --key key "$@"
}

# ---- which of them ---------------------------------------------------------

exits 0 'one profile' anon -o absent a.dcm
exits 3 'another profile into the same folder' anon --profile tcia -o absent \
	a.dcm
ok 'names the input, and what is in its way' grep -qx \
	'imganon: a.dcm: absent/.*\.dcm: is there already, with other bytes' err
ok 'so does its record' grep -q '^{"status":"failed","path":"a.dcm",' out

# What is no DICOM file is called by its name, whoever came before it.
phantom one --name Zwackelmann^Synthetic --uid 2.25.1009 z.dcm
echo none >zwackelmann.txt
exits 2 'a name of another object' anon -j 1 -o z z.dcm zwackelmann.txt
ok 'is none of this one' grep -q '"path":"zwackelmann.txt"' out

# ---- the key ------------------------------------------------------------

exits 0 'a key in a file' anon -o filed a.dcm
exits 0 'a key from a pipe' sh -c \
	'cat key | imganon -q --key /dev/stdin -o piped a.dcm'
ok 'gives the same' diff -r filed piped
exits 64 'more than a key' sh -c \
	'cat key key | imganon -q --key /dev/stdin -o piped a.dcm'
exits 64 'less than one' sh -c \
	'head -c 31 key | imganon -q --key /dev/stdin -o piped a.dcm'
mkfifo -m 600 own && mkfifo -m 644 all
exits 0 'a FIFO' sh -c 'cat key >own & imganon -q --key own -o fifo a.dcm'
ok 'gives the same, too' diff -r filed fifo
exits 3 'that others may read' sh -c \
	'timeout 5 cat key >all & timeout 5 imganon -q --key all -o fifo a.dcm'
ok 'is refused' grep -q 'all: others may use this key' err
exits 143 'a wait for a key can be ended' sh -c \
	'sleep 2 | timeout --preserve-status .5 imganon --key /dev/stdin -o no a.dcm'

# ---- no archive ---------------------------------------------------------

exits 0 'a file, and nobody knows of an archive' env -u HOME \
	imganon -q --key key -o homeless a.dcm
ok 'is the same' diff -r filed homeless
exits 3 'what is in none' env -u HOME imganon -q --key key -o no 2.25.1001
ok 'is told' grep -q '"code":"usage","message":"2\.25[.0-9]*: no archive: give -C' out
if [ -x "$O/bin/imgexport" ]; then
	exits 0 'a file that is exported' env -u HOME imgexport -q -o ex a.dcm
fi

# ---- what nobody has ------------------------------------------------------

echo '{"status":"missing","reason":"not in the catalog","key":"TEST-0009"}' >gone
exits 1 'a key that was not found, beside a file' sh -c \
	'(echo a.dcm; cat gone) | imganon -q --key key -o found'
ok 'the file is there' diff -r filed found
grep missing out >got
same 'what was asked for is not repeated' got <<!
{"status":"missing","path":"input 2","reason":"it was asked for, and is not there"}
!

# ---- folders ------------------------------------------------------------

mkdir in in/sub && cp a.dcm in/a.dcm && cp b.dcm in/sub/b.dcm
ln -s ../b.dcm in/link && ln -s absent in/nowhere && ln -s sub in/tosub
mkfifo in/pipe && echo text >in/text && : >in/empty.dcm
exits 2 'a folder with all kinds in it' anon -o new in
ok 'a record for each' test "$(wc -l <out)" = 8
ok 'a link to a file is that file' test \
	"$(grep -c '^{"status":"deidentified"' out)" = 3
grep -v deidentified out | sort >got
same 'the others are told' got <<'!'
{"status":"failed","path":"in/empty.dcm","error":{"code":"not-dicom","message":"in/empty.dcm: empty","by":"imganon"}}
{"status":"failed","path":"in/nowhere","error":{"code":"io","message":"in/nowhere: No such file or directory","by":"imganon"}}
{"status":"ignored","path":"in/pipe","reason":"neither a file nor a folder"}
{"status":"ignored","path":"in/text","reason":"not DICOM"}
{"status":"ignored","path":"in/tosub","reason":"symbolic link to a folder"}
!
rm in/nowhere in/pipe in/tosub in/link in/text in/empty.dcm
exits 0 'what is written is no input' anon -o in/new in
ok 'and that is told' grep -q \
	'^{"status":"ignored","path":"in/new","reason":"the folder of the new objects"' out
exits 3 'a folder onto itself' anon -o in in
ok 'is refused' grep -q '"code":"refused"' out

# ---- standard output is one object --------------------------------------

exits 3 'a folder' anon -o - in/sub
ok 'does not go to standard output' test ! -s out

# ---- the archive --------------------------------------------------------

# ---- two that claim one name ----------------------------------------------

# Each big one takes its time; the small one behind it is done long before.
mkdir twins
phantom one --uid 2.25.3001 --study 2.25.30 --series 2.25.31 --modality CT \
	--rows 4000 --cols 4000 twins/1.dcm
phantom one --uid 2.25.3001 --study 2.25.30 --series 2.25.31 --modality CT \
	twins/2.dcm
for n in 3 4 5 6 7 8; do
	phantom one --uid 2.25.300$n --study 2.25.30 --series 2.25.31 \
		--modality CT twins/$n.dcm
done
exits 2 'one after the other' imganon -q -j 1 --key key -o one-by-one twins
sed 's/one-by-one/side-by-side/' out >want.out
exits 2 'side by side' imganon -q -j 8 --key key -o side-by-side twins
ok 'the same is written' diff -r one-by-one side-by-side
ok 'with the same records, in the order of the inputs' cmp want.out out
ok 'of which the second says why' sh -c \
	'sed -n 2p out | grep -q "\"path\":\"twins/2.dcm\".*with other bytes"'
for n in $(seq 10 60); do
	phantom one --uid "2.25.30$n" --study 2.25.30 --series 2.25.31 \
		--modality CT "twins/9$n.dcm"
done
exits 2 'more that are done than may wait for the big one' sh -c \
	'ulimit -n 64; exec imganon -q -j 8 --key key -o crowd twins'
ok 'each has its record' test "$(wc -l <out)" = 59
ok 'the second fails again' sh -c \
	'sed -n 2p out | grep -q "\"path\":\"twins/2.dcm\".*with other bytes"'

export IMG_CATALOG="$T/archive"
phantom one --uid 2.25.2001 --study 2.25.20 --series 2.25.21 --modality CT \
	--rows 600 --cols 600 big.dcm
imgimport -q a.dcm b.dcm big.dcm >stored
exits 2 'a UID that is not there' anon -o missed a.dcm 2.25.999
same 'is called by its number' err <<'!'
imganon: input 2: no such file, and no such UID in the archive
!
ok 'in its record, too' grep -q \
	'^{"status":"failed","path":"input 2","error":' out
exits 3 'nor does a study' anon -o - 2.25.10
ok 'at all' test ! -s out
exits 0 'an instance does' sh -c 'imganon -q --key key -o - 2.25.1001 >one'
anon -o f a.dcm >/dev/null
ok 'the same' cmp one "$(find f -type f)"

for uid in 1001 2001; do
	file=$IMG_CATALOG/objects/$(sed -n "s/.*\"2\.25\.$uid\".*\"digest\":\"\(\(..\)[0-9a-f]*\)\".*/\2\/\1/p" stored)
	chmod u+w "$file"
	perl -e 'open F, "+<", $ARGV[0]; seek F, -20, 2; print F "ROT"' "$file"
	exits 3 "rot in the archive: $uid" anon -o rot 2.25.$uid
	ok 'is told' grep -q '^{"status":"failed",.*"damaged: \|: damaged: ' out
	ok 'and not given out' test -z "$(find rot -type f)"
done

# ---- records ------------------------------------------------------------

cp b.dcm c.dcm
sum=$(b2sum -l 256 c.dcm | cut -c 1-64)
printf '{"path":"c.dcm","SOPInstanceUID":"2.25.3001","digest":"%s"}\n' \
	"$sum" >rec
exits 0 'a file that is what its record says' sh -c \
	'imganon -q --key key -o rec1 <rec'
printf x >>c.dcm
exits 3 'one that has changed' sh -c 'imganon -q --key key -o rec2 <rec'
ok 'says so' grep -q 'c.dcm: damaged: ' out

# ---- nothing ------------------------------------------------------------

mkdir empty
exits 1 'an empty folder' imganon --key key -o rec3 empty
ok 'is not called done' grep -qx 'imganon: no files there' err

# ---- archives ---------------------------------------------------------------

tar -cf a.tar a.dcm && gzip -kn a.tar
for kind in tar tar.gz; do
	word=tar
	[ $kind = tar ] || word=compressed
	exits 3 "a .$kind" anon -o rec4 a.$kind
	same 'it is said who reads it' err <<-!
	imganon: a.$kind: not DICOM, but an archive ($word): imgimport reads what is in it
	!
	exits 3 'also when it is to be sent' imgsend -q -C none \
		-c X@127.0.0.1:1 a.$kind
	ok 'or' grep -qx "imgsend: a.$kind: not DICOM, but an archive ($word): imgimport reads what is in it" err
	exits 3 'exported' imgexport -q -C none -o rec5 a.$kind
	ok 'or' grep -q "a.$kind: not DICOM, but an archive ($word): imgimport reads what is in it" err
done
imganon --new-key mine && cp mine was
for words in '--report mine' '--risk mine' '--report x --risk x'; do
	# shellcheck disable=SC2086 # words
	exits 64 "$words" imganon -q --key mine $words -o rec6 a.dcm
done
ln mine link
exits 64 'by another name' imganon -q --key mine --risk link -o rec6 a.dcm
ok 'the key is what it was' cmp mine was
echo 'no image' >text
exits 3 'text' anon -o rec4 text
same 'is no archive' err <<'!'
imganon: text: not DICOM
!
finish
