#!/usr/bin/perl
# dripproxy.pl - hands bytes on to a port of this machine, and what comes back
# a byte at a time: dripproxy.pl PORTFILE PORT FREE
#
# The first FREE bytes of what comes back go as they come.
use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/listen.pl";

my ($file, $port, $free) = @ARGV;
$SIG{PIPE} = 'IGNORE';

sub serve
{
	my ($c) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $port) or return;
	if (!fork) {
		while (sysread $c, my $x, 65536) {
			defined syswrite($s, $x) or last;
		}
		exit 0;
	}
	while (sysread $s, my $x, 65536) {
		for (split //, $x) {
			defined syswrite($c, $_) or return;
			select undef, undef, undef, 0.4 if --$free < 0;
		}
	}
}

serve_all($file, \&serve);
