`RequestServerStatus` asks any node or proxy how it is, and `ixctl status` says first what is wrong, in words, of one server
or of a whole deployment. `ixctl load` has open loops, mixes of fourteen kinds of requests, CSV files as input, histograms, and books that show
whether anything was lost.
