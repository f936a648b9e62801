"""Joins the rooms: loads, observes, decides, executes, in the order that each command needs. Shows nothing."""
