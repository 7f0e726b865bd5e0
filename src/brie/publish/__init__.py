"""What goes with a model that others are to use: its card, its evaluations as records, its upload.

subject.py   which model it is, its run, and everything it was judged in. **Start reading here**
quoted.py    figures with the markers that `brie verify --claims` reads
card.py      the card: metadata.py, making.py, results.py, usage.py are its parts
licence.py   the base's licence, from recipes and files
record.py    evaluations as records of Every Eval Ever
write.py     writes a card where every claim of it holds
parcel.py    everything that goes to the Hub, looked through
hub.py       sends what differs
"""
