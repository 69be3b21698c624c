"""The monthly sheet that is posted (单车核算公示表): what it may say, and what it said."""
