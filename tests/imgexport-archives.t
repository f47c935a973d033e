# imgexport-archives.t - tar, zip and iso: what others read in them, the same
# bytes for the same input, and that damage is found.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need bsdtar unzip isoinfo xorriso

export IMG_CATALOG="$PWD/arch"
phantom head in
imgimport -q in >/dev/null
imgquery -l study >studies
out_()
{
	imgexport -q "$@" <studies
}

# Digests of all objects as records tell, and as the inputs have.
digests()
{
	sed -n 's/.*"digest":"\([0-9a-f]*\)".*/\1/p' "$1" | LC_ALL=C sort
}
find in -type f -exec b2sum -l 256 {} + | cut -d ' ' -f 1 |
	LC_ALL=C sort >want

for form in tar zip iso; do
	exits 0 "$form" out_ --as $form -o x.$form
	ok "$form: a record for each" test "$(records exported)" = 130
	digests out >have
	ok "$form: all digests" cmp want have
	ok "$form: the path leads into it" grep -q \
		"\"path\":\"x.$form!/TEST-0001/20240611-CT head/99/1.dcm\"" out
	mkdir u.$form
	ok "$form: bsdtar unpacks it" bsdtar -xf x.$form -C u.$form
	ok "$form: the manifest agrees" sh -c \
		"cd u.$form && cksum -c --quiet MANIFEST.TXT"
	ok "$form: and has all" test "$(find u.$form -type f | wc -l)" = 131
	sleep 1
	exits 0 "$form: from the files, in another zone and order" env \
		TZ=Asia/Tokyo LC_ALL=C imgexport -q -j 1 --as $form \
		-o y.$form in/sr in/prior in/cr in/current
	ok "$form: the same bytes" cmp x.$form y.$form
	exits 3 "$form: is not overwritten" out_ --as $form -o x.$form
	exits 0 "$form: but with --force" env SOURCE_DATE_EPOCH=1700000000 \
		imgexport -q --force --as $form -o y.$form in
	ok "$form: with other times it is another" \
		sh -c "! cmp -s x.$form y.$form"
	exits 0 "$form: imgimport takes it" \
		imgimport -q -C back.$form x.$form
	digests out | LC_ALL=C sort -u >have
	ok "$form: and has the same" cmp want have
done

# ---- encrypted --------------------------------------------------------------

echo 'Übung 7' >pass
for how in '' --deflate; do
	rm -f e.zip
	exits 0 "an encrypted zip $how" out_ --as zip $how --passphrase-fd 3 \
		--layout '{SOPInstanceUID}' -o e.zip 3<pass
	digests out >have
	ok 'all digests' cmp want have
	grep -c '"verified":false' out >got
	ok 'and it was read again' test "$(cat got)" = 0
	ok 'no byte of an object is there to be seen' sh -c \
		'! grep -aqE "DICM|TEST-0001" e.zip'
	rm -rf e && mkdir e
	ok 'bsdtar unpacks it' bsdtar -xf e.zip -C e --passphrase 'Übung 7'
	ok 'the manifest agrees' sh -c 'cd e && cksum -c --quiet MANIFEST.TXT'
	rm -rf e.back
	exits 2 'imgimport does not without it' imgimport -q -C e.back e.zip
	exits 0 'and does with it' imgimport -q -C e.back --passphrase-fd 3 \
		e.zip 3<pass
	digests out | LC_ALL=C sort -u >have
	ok 'and has the same' cmp want have
done
exits 0 'to stdout' sh -c 'imgexport -q --as zip --passphrase-fd 3 -o - \
	3<pass <studies >e2.zip'
ok 'as well' test "$(bsdtar -tf e2.zip --passphrase 'Übung 7' | wc -l)" = 131
exits 0 'a disc in a zip' out_ --media --as zip --passphrase-fd 3 -o m.zip \
	3<pass
ok 'has names that say nothing' sh -c '! unzip -l m.zip | grep -q TEST-'
exits 0 'imgverify reads it' imgverify -q --media m.zip --passphrase-fd 3 3<pass
ok 'and finds it whole' grep -qx \
	'{"status":"intact","path":"m.zip","members":[0-9]*,"faults":0}' out
exits 3 'not without the passphrase' imgverify -q --media m.zip
ok 'which is no damage' test "$(records failed)" = "$(wc -l <out)"
sed 's/[0-9]\{1,\} \(more\|of its\)/N \1/' err >told
same 'and told once' told <<!
imgverify: m.zip!/DICOM/P00001/ST00001/SE00001/IM00001: encrypted, and no passphrase is given
imgverify: m.zip: N of its files and folders could not be read
imgverify: N more: encrypted, and no passphrase is given
!
echo 'another one' >wrong
exits 3 'nor with another one' imgverify -q --media m.zip --passphrase-fd 3 \
	3<wrong
ok 'which is no damage, either' test "$(records failed)" = "$(wc -l <out)"
exits 64 'a passphrase is for a medium' imgverify --all --passphrase-fd 3 3<pass
exits 3 'one that is written otherwise' failio \
	'pread:cut:(deleted)' imgexport -q --as zip --passphrase-fd 3 -o e3.zip \
	in/sr 3<pass
ok 'does not get its name' test ! -e e3.zip
exits 64 'only a zip' out_ --as tar --passphrase-fd 3 -o e.tar 3<pass
exits 64 'a passphrase and inputs on stdin' out_ --as zip --passphrase-fd 0 \
	-o e4.zip
exits 64 'an empty one' out_ --as zip --passphrase-fd 3 -o e4.zip 3</dev/null
exits 64 'not of text' sh -c 'printf "a\\0b" |
	imgexport -q --as zip --passphrase-fd 0 -o e4.zip in/sr'
exits 64 'a long one' sh -c 'printf %0128d 1 |
	imgexport -q --as zip --passphrase-fd 0 -o e4.zip in/sr'
exits 3 'a descriptor that is not there' out_ --as zip --passphrase-fd 9 \
	-o e4.zip
ok 'make nothing' test ! -e e4.zip
exits 0 'the longest' sh -c 'printf "%0127d\r\n" 1 |
	imgexport -q --as zip --passphrase-fd 0 -o e5.zip in/sr'
ok 'is what it takes' bsdtar -tf e5.zip --passphrase "$(printf %0127d 1)"
ok 'and all of it' sh -c '! bsdtar -xOf e5.zip \
	--passphrase "$(printf %0126d 1)" >/dev/null 2>&1'
ok 'unzip tests it' unzip -tq x.zip
exits 0 'zip, compressed' out_ --as zip --deflate -o d.zip
ok 'is smaller' test "$(wc -c <d.zip)" -lt 1000000
ok 'unzip tests it, too' unzip -tq d.zip
exits 0 'zip to stdout' sh -c 'imgexport -q --as zip -o - <studies >s.zip'
ok 'is the same' cmp s.zip x.zip
exits 0 'tar to stdout' sh -c 'imgexport -q --as tar -o - <studies >s.tar'
ok 'is the same' cmp s.tar x.tar
exits 3 'to a full disk' sh -c 'imgexport -q --as tar -o - <studies >/dev/full'
exits 0 'a tar of two through a pipe is an archive elsewhere' sh -c \
	'imgexport -q --as tar -o - in/sr in/cr | imgimport -q -C pipe --from-tar -'

# Records that are passed on, and lines that are none, are no part of it.
echo '{"status":"failed","path":"gone.dcm","error":{"code":"io","message":"gone.dcm: not there","by":"imgimport"}}' >odd
echo '{"status":"ignored","path":"a.txt","reason":"text"}' >>odd
printf '{"path":\nin/sr\n' >>odd
for form in tar zip; do
	exits 0 "$form of one" sh -c \
		"imgexport -q --as $form -o - in/sr >s.one"
	# A pipe: stdout that is a file is written late.
	exits 2 "$form of what had failures before" sh -c \
		"(imgexport --as $form -o - <odd; echo \$? >status) | cat >s.odd
		exit \$(cat status)"
	ok 'is the same' cmp s.odd s.one
	ok 'what failed before is told' \
		grep -q '^imgexport: gone.dcm: not there$' err
	ok 'and counted' \
		grep -q ' 4 inputs: 1 exported, 1 ignored, 2 failed,' err
done

# ---- the image ------------------------------------------------------------

isoinfo -d -i x.iso >d
ok 'it is named' grep -qx 'Volume id: IMAGES' d
ok 'with Joliet' grep -q '^Joliet with UCS level 3' d
ok 'with Rock Ridge' grep -q '^Rock Ridge' d
ok 'as long as it says' test "$(sed -n 's/^Volume size is: //p' d)" = \
	"$(($(wc -c <x.iso) / 2048))"
isoinfo -f -i x.iso >names
ok 'names of level 1' sh -c \
	'! grep -vE "^(/[A-Z0-9_]{1,8})*(/[A-Z0-9_]{1,8}(\.[A-Z0-9_]{0,3})?(;1)?)$" names'
ok 'Rock Ridge has them in full' sh -c 'isoinfo -R -f -i x.iso |
	grep -qx "/TEST-0001/20240611-CT head/99/1.dcm"'
ok 'Joliet, too' sh -c 'isoinfo -J -f -i x.iso |
	grep -qx "/TEST-0001/20240611-CT head/99/1.dcm"'
ok 'xorriso sees no fault' sh -c '
	xorriso -indev x.iso -check_media what=tracks -- >log 2>&1 &&
	xorriso -osirrox on -indev x.iso -extract / xo >log 2>&1 &&
	diff -r xo u.iso'
exits 0 'with a name' out_ --as iso --volume HEAD_1 -o n.iso
isoinfo -d -i n.iso >d
ok 'it has it' grep -qx 'Volume id: HEAD_1' d
exits 64 'not any name' out_ --as iso --volume head -o n2.iso
exits 64 'nor a long one' out_ --as iso --volume ABCDEFGHIJKLMNOPQ -o n2.iso
exits 64 'too deep' out_ --as iso --layout 'a/b/c/d/e/f/g/h/i.dcm' -o n2.iso
for bad in '--deflate' '--as iso -o -' '-o -' '--as tar --deflate' \
	'--as zip --volume X' '--as tar --link' '--as nonsense'; do
	# shellcheck disable=SC2086 # words
	exits 64 "wrong: $bad" out_ -o no $bad
done

# ---- damage ---------------------------------------------------------------

set -- arch/objects/*/*
victim=$7
chmod u+w "$victim"
printf X | dd of="$victim" bs=1 seek=1500 conv=notrunc status=none
for form in tar zip iso; do
	exits 2 "$form: a damaged object" out_ --as $form -o bad.$form
	ok "$form: is named" grep -q "^imgexport: $(basename "$victim"): damaged" err
	ok "$form: the others are there" test "$(records exported)" = 129
	ok "$form: and all that is there" test \
		"$(bsdtar -tf bad.$form | grep -c 'dcm$')" = 129
done

# What the disk gives back is not what was written: nothing is reported.
flip()
{
	failio "$1" imgexport -q --as "$2" -o "t.$2" <studies
}
for form in tar zip iso; do
	exits 3 "$form: a disk that fills up" sh -c "
		ulimit -f 20000; trap '' XFSZ
		exec imgexport -q --as $form -o t.$form <studies"
	ok "$form: leaves nothing" test -z "$(find . -name 't.*' -o \
		-name '.*imgexport*')"
	ok "$form: and each input has its record" test "$(records failed)" = \
		"$(wc -l <want)"
	exits 3 "$form: a sync that fails" flip fsync:EIO $form
	ok "$form: leaves nothing" test ! -e t.$form
	exits 3 "$form: a disk that gives back less" \
		flip 'pread:cut:(deleted)' $form
	ok "$form: leaves nothing" test ! -e t.$form
done
finish
