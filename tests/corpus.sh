# corpus.sh - what the tests have in common that send the corpus to a peer;
# after lib.sh and archive.sh.  Records of imgsend are in the file out.
#
#   sums              "UID transfer-syntax digest" of the data set of each file
#                     named on stdin
#   identities        "UID data pixels" of each file named on stdin, what it is
#                     in any encoding, a tab, and its name
#   identities_of     the same of files of the corpus, without names, in order
#   as_is, recoded    the files that were sent, as they were or not
#   each_told         there is a record for each file of the corpus
#   reasons           why files were not sent, and how many
#
# shellcheck shell=sh

sums()
{
	tr '\n' '\0' | xargs -0 dataset
}

identities()
{
	tr '\n' '\0' | xargs -0 imgverify -q --deep -C none 2>/dev/null |
		sed -n 's/.*"path":"\([^"]*\)".*"SOPInstanceUID":"\([^"]*\)".*"data_digest":"\([^"]*\)".*/\2 \3 &\t\1/p' |
		sed 's/^\([^ ]* [^ ]*\) .*"pixel_digest":"\([^"]*\)".*\(\t.*\)/\1 \2\3/
			s/^\([^ ]* [^ ]*\) {.*\(\t.*\)/\1 -\2/'
}

# Those of the corpus are made once.
identities_of()
{
	[ -e identities_ ] ||
		find "$CORPUS" -type f | identities >identities_
	awk -F '\t' 'NR == FNR { want[$0]; next } $2 in want { print $1 }' \
		- identities_ | LC_ALL=C sort -u
}

as_is()
{
	grep '^{"status":"\(sent\|committed\)"' out |
		grep -v '"sent_as":\|"padded:' |
		sed 's/^{"status":"[a-z]*","path":"\([^"]*\)".*/\1/'
}

recoded()
{
	grep '^{"status":"\(sent\|committed\)"' out |
		grep '"sent_as":\|"padded:' |
		sed 's/^{"status":"[a-z]*","path":"\([^"]*\)".*/\1/'
}

each_told()
{
	find "$CORPUS" -type f | LC_ALL=C sort >files_
	sed 's/^{"status":"[a-z]*","path":"\([^"]*\)".*/\1/' out |
		LC_ALL=C sort | cmp - files_ &&
		! grep -v '^{"status":"\(sent\|committed\)"' out |
		grep -v '"reason":"[^"]\|"error":{"code":"[a-z-]*","message":"[^"]'
}

# Numbers of bytes and elements differ.
reasons()
{
	sed -n 's/^{"status":"\([a-z]*\)".*"error":{"code":"\([a-z-]*\)","message":"[^"]*: \([^":]*\)","by.*/\1 \2: \3/p
		t
		s/^{"status":"\([a-z]*\)".*"reason":"\([^"]*\)".*/\1: \2/p' out |
		sed 's/byte [0-9]*.*/byte N/' | LC_ALL=C sort | uniq -c |
		sed 's/^ *//'
}
