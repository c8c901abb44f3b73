`make mutants` applies recorded faults one by one and says which seed of the simulator finds each, by which rule
([Mutants](mutants.md)).
