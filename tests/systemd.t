# systemd.t - the units as systemd runs them: the first process of name spaces
# of its own, whose cgroups, network and /var/lib are its own as well.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need systemctl systemd-analyze unshare ip storescu
[ -x /lib/systemd/systemd ] || skip_all 'systemd is not here'

mkdir units bin
for unit in "$TOP"/systemd/*; do
	sed 's,@BINDIR@,/run/img,' "$unit" >"units/${unit##*/}"
done
# The units are right for systemd, but for the manuals, and what they run lies
# where only the machine below has it.
sed -i 's,/run/img/,/bin/true /run/img/,' units/*.service
SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
	"$PWD"/units/*.service "$PWD"/units/*.socket "$PWD"/units/*.timer \
	>said 2>&1
same 'systemd-analyze has nothing to say' said </dev/null
sed -i 's,/bin/true /run/img/,/run/img/,' units/*.service
for name in imgrecv:13 imgverify:4; do
	exits 0 "little is left open to ${name%:*}" systemd-analyze security \
		--offline=true --no-pager --threshold="${name#*:}" \
		"units/${name%:*}.service"
done

# ---- a machine -----------------------------------------------------------------

own=$(sed -n 's/^0:://p' /proc/self/cgroup)
top=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
group=$top${own%/}/imgtest.$$
impossible()
{
	skip 'the units under systemd' "$1"
	finish
}
[ "$(id -u)" = 0 ] || impossible 'only root can'
unshare --cgroup --fork --pid --mount --net --ipc --uts true 2>/dev/null ||
	impossible 'no name spaces'
if [ -z "$top" ] || ! mkdir "$group" 2>/dev/null; then
	impossible 'no cgroups'
fi

for name in sysinit basic network sockets timers shutdown multi-user; do
	printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' $name \
		>units/$name.target
done
printf 'Requires=imgrecv.socket\nAfter=imgrecv.socket\n' >>units/basic.target
# Soon, instead of on Saturday.
mkdir units/imgverify.timer.d
printf '[Timer]\nOnCalendar=\nOnActiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=100ms\n' \
	>units/imgverify.timer.d/soon.conf
# There is no journal.
for name in imgrecv imgverify; do
	mkdir units/$name.service.d
	printf '[Service]\nStandardOutput=null\nStandardError=append:/run/img/said\n' \
		>units/$name.service.d/said.conf
	# The search for leaks traces, which is forbidden there, and waits.
	! grep -q __asan_init "$O/bin/$name" ||
		echo 'Environment=ASAN_OPTIONS=detect_leaks=0' \
			>>units/$name.service.d/said.conf
done
cp "$O/bin/imgrecv" "$O/bin/imgverify" "$O/bin/imgquery" bin
img one.dcm 1 --modality CT

cat >inside <<'!'
cd "$1" || exit
show() { systemctl show -P "$2" "$1"; }
for i in $(seq 100); do
	[ "$(show imgrecv.socket ActiveState)" = active ] && break
	sleep 0.1
done
show imgrecv.socket SubState >1-socket
show imgrecv.service ActiveState >1-before
storescu -to 20 -aec IMGRECV 127.0.0.1 11112 one.dcm >2-said 2>&1
echo $? >2-status
show imgrecv.service ActiveState >2-after
show imgrecv.service MainPID >2-pid
stat -c '%U %a' /var/lib/private/imgtools/archive/catalog.db >2-mode
ps -o user= -p "$(cat 2-pid)" >2-user
systemctl reload imgrecv.service; echo $? >3-reload
show imgrecv.service MainPID >3-pid
systemctl start imgverify.timer; echo $? >4-timer
for i in $(seq 150); do
	[ "$(show imgverify.service ExecMainExitTimestampMonotonic)" != 0 ] && break
	sleep 0.1
done
show imgverify.service Result >4-result
show imgverify.service ExecMainStatus >4-status
/run/img/imgquery -C /var/lib/private/imgtools/archive -l image \
	--unchecked-since 1d --count >4-unchecked 2>&1
systemctl stop imgrecv.service; echo $? >5-stop
show imgrecv.service Result >5-result
storescu -to 20 -aec IMGRECV 127.0.0.1 11112 one.dcm; echo $? >5-again
cp /run/img/said 6-said
echo end >end
!
# It sees this machine's files, and can change none but the test's.
cat >machine <<'!'
mount --make-rprivate / && mount -t proc proc /proc &&
	mount -t tmpfs tmpfs /sys/fs/cgroup &&
	mount -t cgroup2 none /sys/fs/cgroup &&
	mount -t tmpfs tmpfs /run && mkdir -p /run/img/test &&
	mount --bind "$1" /run/img/test && cd /run/img/test &&
	for place in /tmp /var/tmp /var/lib /dev/shm; do
		mount -t tmpfs tmpfs $place || exit
	done &&
	mount -o remount,bind,ro / &&
	cp bin/* /run/img && ip link set lo up || exit
cp -r units /run/units
sh inside /run/img/test >inside.out 2>&1 &
exec env -i PATH="$PATH" container=unshare SYSTEMD_UNIT_PATH=/run/units \
	/lib/systemd/systemd --system --unit=basic.target --show-status=0 \
	--log-target=console --log-level=notice
!
sh -c 'echo 0 >"$1/cgroup.procs" && exec unshare --cgroup \
	--fork --pid --kill-child --mount --net --ipc --uts sh machine "$2"' \
	sh "$group" "$PWD" >machine.out 2>&1 </dev/null &
pid=$!
for _ in $(seq 500); do
	{ [ ! -e end ] && kill -0 $pid 2>/dev/null; } || break
	sleep 0.1
done
kill -KILL $pid 2>/dev/null
wait $pid 2>/dev/null
# Its processes go one after the other.
for _ in $(seq 50); do
	find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
	[ -d "$group" ] || break
	sleep 0.1
done
[ -e 1-socket ] || impossible 'systemd does not start in name spaces'

# says FILE TEXT WHAT
says()
{
	echo "$2" >want
	ok "$3" cmp "$1" want
}
says 1-socket listening 'the socket listens'
says 1-before inactive 'and imgrecv is not there yet'
says 2-status 0 'an object is sent, which starts it'
says 2-after active 'it says that it is ready'
says 2-mode 'imgrecv 600' 'the archive is for nobody else'
says 2-user imgrecv 'nor is it root who runs it'
says 3-reload 0 'it reads its files again'
ok 'and goes on' cmp 2-pid 3-pid
says 4-timer 0 'the timer'
says 4-result success 'runs the scrub'
says 4-status 0 'which finds all intact'
says 4-unchecked 0 'and notes what it has read'
says 5-stop 0 'imgrecv is stopped'
says 5-result success 'and that is no failure'
says 5-again 0 'the next object starts it again'
cat inside.out machine.out 2-said 6-said 2>/dev/null | sed 's/^/# /'
finish
