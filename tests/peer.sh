# peer.sh - DICOM peers for the tests of the network; after lib.sh.
#
#   free_port            a port nobody listens at, in $port
#   serve COMMAND ...    runs it in the background until the test ends; its
#                        process in $peer
#   listening            waits until somebody listens at $port
#   serve_qr             dcmqrscp as QR at a free port, with its objects in db
#   serve_bad HOW        badpeer.pl at the port in the file port
#   gone PID             ends a process of ours, and waits for it
#
# shellcheck shell=sh

peers_='' p_=''
trap 'for p_ in $peers_; do kill "$p_" 2>/dev/null; done
	cd / && chmod -R u+rwX "$T" "${W:-$T}" 2>/dev/null
	rm -rf "$T" "${W:-$T}"' EXIT

free_port()
{
	port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
		Listen => 1, LocalAddr => "127.0.0.1")->sockport')
}

serve()
{
	"$@" >>peer.log 2>&1 &
	peer=$!
	peers_="$peers_ $peer"
}

serve_qr()
{
	mkdir db
	free_port
	cat >qr.cfg <<!
NetworkTCPPort = $port
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
QR $PWD/db RW (9, 1024mb) ANY
AETable END
!
	serve dcmqrscp -c qr.cfg
}

serve_bad()
{
	rm -f port
	serve perl "$TOP/tests/tools/badpeer.pl" port "$1"
	i_=0
	while [ ! -e port ] && [ $i_ -lt 100 ]; do
		i_=$((i_ + 1))
		sleep 0.05
	done
}

listening()
{
	perl -MIO::Socket::INET -e 'for (1 .. 100) {
		exit 0 if IO::Socket::INET->new(PeerAddr => "127.0.0.1",
			PeerPort => $ARGV[0]);
		select undef, undef, undef, 0.05;
	} exit 1' "$port"
}

gone()
{
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# storescp of DCMTK, which keeps what comes in the folder $1
store_scp()
{
	dir_=$1
	shift
	mkdir -p "$dir_"
	free_port
	serve storescp --fork -od "$dir_" "$@" "$port"
	listening
}
