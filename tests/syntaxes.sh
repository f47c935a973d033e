# syntaxes.sh - the same image in ten transfer syntaxes.
#
#   ten_syntaxes [OPTION ...]   makes in/0.dcm to in/9.dcm; for phantom
#
# shellcheck shell=sh
need dcmconv dcmcrle dcmcjpls dcmcjpeg gdcmconv

# One CT, by several hands.
ten_syntaxes()
{
	mkdir in
	phantom one in/0.dcm --modality CT --rows 64 --cols 64 \
		--name Test^Synthetic "$@"
	dcmconv +ti in/0.dcm in/1.dcm
	dcmconv +tb in/0.dcm in/2.dcm
	dcmconv +td in/0.dcm in/3.dcm
	dcmcrle in/0.dcm in/4.dcm
	dcmcjpls in/0.dcm in/5.dcm
	dcmcjpeg +e1 in/0.dcm in/6.dcm
	dcmcjpeg +el in/0.dcm in/7.dcm
	gdcmconv --j2k in/0.dcm in/8.dcm
	imgexport -q --transfer-syntax htj2k -o ht in/0.dcm >/dev/null
	cp "$(find ht -name '*.dcm')" in/9.dcm
	# DCMTK's JPEG says in an attribute what it did.
	dcmodify -q -nb -e 0008,2111 in/6.dcm in/7.dcm
}
