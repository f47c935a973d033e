# imganon-corpus.t - files of other projects through every profile: one record
# each, nothing unreadable comes out, nothing depends on the number of threads.
. "$(dirname "$0")/lib.sh"
[ -d "$CORPUS" ] || skip_all 'corpus absent'
imganon --new-key key
files=$(find "$CORPUS" -type f | wc -l)

for profile in basic tcia research; do
	exits 2 "$profile" imganon -q --key key --profile $profile -o new "$CORPUS"
	mv out records
	ok 'one record for each file' test "$(wc -l <records)" = "$files"
	ok 'most of them are written' test \
		"$(grep -c '"status":"deidentified"' records)" -gt $((files / 2))
	ok 'no mistake of ours' sh -c '! grep "\"code\":\"bug\"" records'
	grep -o '"path":"new/[^"]*' records | cut -c 9- | sort -u >told
	find new -type f | sort >there
	ok 'every file was told of, and every one told of is there' \
		diff told there
	exits 0 'all can be read' sh -c 'imgimport -q -C archive new >imported'
	ok 'and are as many objects' test \
		"$(grep -c '"status":"\(stored\|conflict\|duplicate\)"' \
		imported)" = "$(wc -l <there)"
	imganon -q -j 1 --key key --profile $profile -o again "$CORPUS" \
		>/dev/null 2>&1
	find again -type f | sed 's/^again/new/' | sort >there2
	ok 'one thread writes the same files' diff there there2
	rm -rf new again archive
done
finish
