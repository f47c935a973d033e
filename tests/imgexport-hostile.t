# imgexport-hostile.t - objects and destinations that mean ill, or that change
# meanwhile: nothing outside of the destination, one record is what they cost.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

export IMG_CATALOG="$PWD/arch"
out_()
{
	imgexport -q "$@"
}

# ---- what lies in a folder ------------------------------------------------

mkdir in
img in/a.dcm 1
img out.dcm 2
ln -s ../out.dcm in/b.dcm
ln -s nowhere in/c.dcm
ln -s . in/d
mkfifo in/e
exits 2 'links and others' imgexport -o links in
brief | LC_ALL=C sort >have
same 'each has a record' have <<'!'
exported links/TEST-0001/20240102-Test study/1/1.dcm
exported links/TEST-0001/20240102-Test study/1/2.dcm
failed in/c.dcm
ignored in/d
ignored in/e
!
same 'and they are counted' err <<!
imgexport: in/c.dcm: No such file or directory
$(tail -n 1 err)
!
ok 'by state' grep -q '5 inputs: 2 exported, 2 ignored, 1 failed' err
rm -r in

# ---- names ----------------------------------------------------------------

if command -v dcm2niix >/dev/null; then
	mkdir in
	for n in 1 2 3; do
		img in/$n.dcm $n --series ../../../evil --modality CT \
			--rows 64 --cols 64 --set "0020,0032=DS:0\\0\\$n" \
			--set '0020,0037=DS:1\0\0\0\1\0' \
			--set '0028,0030=DS:1\1'
	done
	mkdir -p deep/er
	exits 0 'nifti: a UID that leads out' out_ --as nifti -o deep/er/out in
	ok 'stays in' test "$(find deep/er/out -name '*evil*.nii' |
		wc -l)" = 1
	ok 'and nothing is elsewhere' test -z "$(find . -name 'evil*')"
	# The same series in two studies, and a layout that tells them not apart.
	for n in 4 5 6; do
		img in/$n.dcm $n --series ../../../evil --modality CT \
			--study 2.25.99 --date 20240203 \
			--rows 64 --cols 64 --set "0020,0032=DS:0\\0\\$n" \
			--set '0020,0037=DS:1\0\0\0\1\0' \
			--set '0028,0030=DS:1\1'
	done
	exits 0 'nifti: two of one name' out_ --as nifti --layout x -o two in
	ok 'get numbers' test "$(find two -name '*.nii' | wc -l)" = 2
	rm -r in
else
	skip 'nifti: a UID that leads out' 'dcm2niix is not here'
fi

# Names of pictures were made of attributes: messages have none of them.
img p.dcm 1
exits 3 'a picture that reads back otherwise' failio \
	'pread:cut:imgexport-' imgexport -q --as png -o png p.dcm
ok 'leaves nothing' test ! -e png
finish
