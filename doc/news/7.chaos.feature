`make capture-chaos` gives 5,000 documents to each kind of capture point while node, backup, broker, database and connections are killed, hang and are cut, and
judges that nothing was lost or doubled ([Chaos at capture points](../capture-chaos.md)). A record of Kafka of which nothing was done now goes to the error topic.
