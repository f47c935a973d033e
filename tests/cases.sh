# cases.sh - what is shared by those that run the cases of tests/data/hostile.
#
#   cases_make          the tables in all.tab, the cases in in/, names, UIDs and
#                       expected verdicts in list.tsv
#   cases_judge COMMAND what its records in COMMAND.out say of each case, as
#                       name and status[:code], to COMMAND.tsv
#   cases_join COMMAND ...  names and verdicts side by side, to got
#
# The caller stands in a folder of its own, has the tools in PATH, and $TOP.
#
# shellcheck shell=sh

# Coded frames for the cases to damage; their UID becomes that of the case.
cases_bases_()
{
	mkdir base || return
	phantom one --uid 2.25.710000000 --rows 32 --cols 32 base/raw.dcm &&
		dcmcjpeg +eb +un base/raw.dcm base/base.dcm &&
		dcmcjpeg +ep +un base/raw.dcm base/prog.dcm || return
	for s_ in rle jpeg jpegls j2k htj2k; do
		imgexport -q --layout x.dcm --transfer-syntax $s_ -o base/x \
			base/raw.dcm >/dev/null || return
		mv base/x/x.dcm base/$s_.dcm && rm -r base/x || return
	done
}

cases_make()
{
	[ -d base ] || cases_bases_ || return
	cat "$TOP"/tests/data/hostile/*.tab >all.tab
	mkdir in && mkcases -b base all.tab in && mkcases -l all.tab >list.tsv
	b2sum -l 256 in/*.dcm | sed 's|  in/|\t|; s|\.dcm$||' >digests
}

# Records of new files name their input by digest (from) or by UID; those of
# imganon by the new UID, which map-uids.csv leads back.
cases_judge()
{
	map_=map-uids.csv
	[ -f $map_ ] || map_=/dev/null
	awk '
	BEGIN { FS = "\t" }
	FILENAME == "list.tsv" { of_uid[$2] = $1; next }
	FILENAME == "digests" { of_digest[$1] = $2; next }
	FILENAME ~ /uids.csv$/ { split($0, a, ","); old[a[2]] = a[1]; next }
	function field(key, s) {
		if (!match($0, "\"" key "\":\"[^\"]*\""))
			return ""
		s = substr($0, RSTART, RLENGTH - 1)
		return substr(s, length(key) + 5)
	}
	{
		word = field("status"); code = field("code"); n = ""
		if (word == "deidentified")
			n = of_uid[old[field("SOPInstanceUID")]]
		else if (word == "exported") {
			n = of_digest[field("from")]
			if (n == "")
				n = of_uid[field("SOPInstanceUID")]
		}
		if (n == "") {
			n = field("path")
			sub(/.*\//, "", n); sub(/\.dcm$/, "", n)
		}
		print n "\t" word (code == "" ? "" : ":" code)
	}' list.tsv digests "$map_" "$1.out" | LC_ALL=C sort >"$1.tsv"
}

cases_join()
{
	cut -f 1 list.tsv | LC_ALL=C sort >got
	for c_; do
		LC_ALL=C join -t "$(printf '\t')" -a 1 -e - -o auto got \
			"$c_.tsv" >got_ && mv got_ got
	done
}
