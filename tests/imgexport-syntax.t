# imgexport-syntax.t - transfer syntaxes: there and back again.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need dcmdump dcmconv dcmdrle dcmdjpeg dcmdjpls

# What dcmdump shows of a data set, without the meta header.
dump()
{
	dcmdump +L "$1" | sed -n '/^# Dicom-Data-Set/,$p' |
		grep -v '^#\|^ *(fffe,' | sed 's/(Sequence with.*//'
}
mkdir in
phantom one --uid 2.25.1 --modality CT --rows 33 --cols 17 in/1.dcm
phantom one --uid 2.25.2 --modality CT --frames 3 in/2.dcm
phantom one --uid 2.25.3 --modality CT --syntax big in/3.dcm
phantom one --uid 2.25.4 --modality CT --syntax implicit in/4.dcm
phantom head head && cp head/sr/* in/sr.dcm
out_()
{
	imgexport -q --layout '{SOPInstanceUID}' "$@"
}
exits 0 'native' out_ --transfer-syntax explicit -o native in
sr=$(dcmdump +P 0008,0018 in/sr.dcm | head -n 1 | sed 's/.*\[\(.*\)\].*/\1/')
for f in native/2.25.?; do
	dcmconv +te "in/${f##*.}.dcm" same.dcm
	dump same.dcm >want && dump "$f" >have
	ok "$f is what dcmconv makes" cmp want have
done
ok 'a report stays as it is' cmp in/sr.dcm "native/$sr"
for ts in implicit rle jpeg jpegls j2k htj2k deflated; do
	imgexport -q --transfer-syntax $ts -o no in/1.dcm >/dev/null 2>&1 ||
		[ $? != 64 ] || { skip "$ts" 'it cannot be written here'; continue; }
	rm -rf no
	exits 0 "$ts" out_ --transfer-syntax $ts -o $ts in
	ok "$ts: all" test "$(records exported)" = 5
	exits 0 "$ts: and back" out_ --transfer-syntax explicit -o back.$ts $ts
	for f in native/2.25.*; do
		dump "$f" >want && dump "back.$ts/${f##*/}" >have
		ok "$ts: ${f##*/} is what it was" cmp want have
	done
done
peer()
{
	for f in native/2.25.?; do
		$2 "$1/${f##*/}" peer.dcm || return 1
		dump peer.dcm >have && dump "$f" >want && cmp want have || return 1
	done
}
ok 'dcmdrle sees the same' peer rle dcmdrle
ok 'dcmdjpeg sees the same' peer jpeg dcmdjpeg
ok 'dcmdjpls sees the same' peer jpegls dcmdjpls
dcmdump +L rle/2.25.2 >rle.txt
ok 'three frames have an offset table' sh -c \
	'grep -A 1 "PixelSequence #=4" rle.txt | grep -q "# *12, 1 Item"'
exits 0 'in a zip file, too' imgexport -q --as zip --transfer-syntax jpegls \
	-o x.zip in
exits 64 'no such name' out_ --transfer-syntax nonsense -o no in
dcmcjpeg +ee in/1.dcm lossy.dcm 2>err
if [ -s lossy.dcm ]; then
	exits 3 'lossy frames are not decoded' out_ --transfer-syntax explicit \
		-o lossy lossy.dcm
	ok 'as they say' grep -q 'compressed with loss' err
	exits 0 'unless that is allowed' out_ --transfer-syntax explicit \
		--allow lossy -o lossy lossy.dcm
	ok 'and it stays known' sh -c \
		'dcmdump +P 0028,2110 lossy/* | grep -q "\[01\]"'
else
	skip 'lossy frames' 'dcmcjpeg makes none'
fi
head -c 1000 jpegls/2.25.2 >cut.dcm
exits 3 'what is cut' out_ --transfer-syntax explicit -o cut cut.dcm
ok 'leaves nothing' test ! -e cut
finish
