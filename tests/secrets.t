# secrets.t - values that were planted in images, and a passphrase, get into no
# message, record, log, argument, file name, temporary file or core dump of any
# command.
. "$(dirname "$0")/lib.sh"
need sqlite3 storescu strace
. "$TOP/tests/recv.sh"
# A search for leaks does not bear a tracer; other tests have it.
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0

export IMG_CATALOG="$PWD/arch" TMPDIR="$PWD/tmp"
mkdir tmp in
for n in 1 2 3; do
	phantom one --uid 2.25.$n --study 2.25.10 --series 2.25.11 \
		--modality CT --instance $n --name 'QZ_name^Felix' \
		--id "QZ_id-1" --accession QZ_acc --study-id QZ_sid \
		--study-desc QZ_desc --series-desc QZ_series --birth 19330303 \
		--set '0010,2160=SH:QZ_group' --set '0008,0090=PN:QZ_ref^A' \
		--set '0010,4000=LT:QZ_comment' in/$n.dcm
done
head -c 700 in/1.dcm >in/cut.dcm
echo 'QZ_passphrase, a long one' >pass
# mktemp(1) makes no name with this.
QZ='QZ_|19330303'

# quiet NAME STATUS COMMAND ...: the command, with a look at all it shows
quiet()
{
	name_=$1 want_=$2
	shift 2
	exits "$want_" "$name_" strace -f -qq -s 4096 -o trace \
		-e trace=execve,openat,openat2,mkdirat,linkat,renameat2 "$@"
	ok "$name_: no word of it" sh -c '! grep -aE "$1" err out' - "$QZ"
	ok "$name_: nor in arguments and names of files" \
		sh -c '[ -s trace ] && ! grep -aE "$1" trace' - "$QZ"
	ok "$name_: nothing is left in TMPDIR" test -z "$(ls -A tmp)"
}

quiet imgimport 2 imgimport in
quiet 'imgimport of an archive' 2 sh -c 'tar -cf x.tar in && imgimport x.tar'
quiet imgverify 0 imgverify
quiet 'imgverify --deep' 1 imgverify --deep in
quiet 'imgverify --phi' 1 imgverify --phi arch in/1.dcm
quiet 'imgverify --audit' 0 imgverify --audit
quiet 'imgverify --rebuild' 0 imgverify --rebuild
quiet 'imgverify --scrub' 0 imgverify --scrub -v
quiet 'a key' 0 imganon --new-key key
quiet 'imgquery that finds nothing' 1 imgquery --count PatientID=nobody
# The layout that is the default names folders by the PatientID.
bare='{SeriesInstanceUID}/{InstanceNumber}.dcm'
quiet imgexport 0 imgexport --layout "$bare" -o folder 2.25.10
quiet 'imgexport of a disc' 0 imgexport --media --as iso -o d.iso 2.25.10
quiet 'imgexport of pictures' 0 imgexport --as png \
	--layout "{InstanceNumber}.png" -o pictures 2.25.10
quiet 'imgexport of another syntax' 0 imgexport -o rle --layout "$bare" \
	--transfer-syntax 1.2.840.10008.1.2.5 2.25.10
quiet imganon 0 sh -c 'imganon --passphrase-fd 3 -o anon 2.25.10 3<pass'
quiet 'imganon of what is cut off' 3 imganon -o anon2 in/cut.dcm
quiet 'imgsend to nobody' 3 imgsend --retries 0 -c P@127.0.0.1:1 2.25.10
ok 'a listener' recv_start
quiet imgsend 0 imgsend -c "IMGRECV@127.0.0.1:$port" 2.25.10
exits 0 'storescu' storescu -aec IMGRECV 127.0.0.1 "$port" in/1.dcm
recv_stop
ok 'imgrecv: no word of it' sh -c '! grep -aE "$1" recv.out recv.err' - "$QZ"
ok 'imgrecv: nothing is left in TMPDIR' test -z "$(ls -A tmp)"
ok 'there are audit logs' test -s arch/audit.log -a -s archive/audit.log
ok 'which do not know it' sh -c '! grep -aE "$1" */audit.log' - "$QZ"
ok 'imgquery, when asked, tells' sh -c \
	'imgquery -f PatientName --format jsonl | grep -q QZ_'

# ---- what the other tests leave ------------------------------------------

for f in audit.log core core.123; do
	exits 1 "a name in $f is found when a test ends" sh -c \
		'. "$TOP/tests/lib.sh"; echo "A^Synthetic" >"$1"; finish' \
		"$TOP/tests/secrets.t" $f
	ok 'and the test has failed' grep -q '^not ok 1 - a value' out
done
exits 0 'none in others' sh -c \
	'. "$TOP/tests/lib.sh"; echo "A^Synthetic" >out; finish' \
	"$TOP/tests/secrets.t"

# ---- what is killed -----------------------------------------------------

# begun SIGNAL: an import that waits for the rest of its tar file
begun()
{
	rm -f pipe && mkfifo pipe
	imgimport -C begun --from-tar - <pipe >out 2>err &
	pid=$!
	{ head -c 3000 x.tar && sleep 1 && kill "-$1" $pid; } >pipe
	wait $pid 2>/dev/null
}
begun KILL
ok 'killed, nothing is left in TMPDIR' test -z "$(ls -A tmp)"
# dash has it, POSIX has not.
# shellcheck disable=SC3045
if (ulimit -c unlimited) 2>/dev/null; then
	ulimit -c unlimited
	perl -e 'my $x = "QZcore"; kill "SEGV", $$; sleep 1' 2>/dev/null
	if ls core* >/dev/null 2>&1; then
		rm -f core*
		begun SEGV
		ok 'one that crashes leaves no core' sh -c '! ls core*'
	else
		skip 'a crash leaves no core' 'nothing leaves one here'
	fi
	ulimit -c 0
else
	skip 'a crash leaves no core' 'core dumps are not allowed here'
fi
finish
