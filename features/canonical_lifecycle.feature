@lifecycle
Feature: A case is carried from report to invoice
  What a customer reports is scheduled, done, proved and paid, and no step can be skipped.

  Background:
    Given a pilot account with a site and a technician
    And I am the dispatcher

  Scenario: A door that will not latch is repaired and paid
    When I create a ticket "Door will not latch"
    And I triage it as URGENT "DOOR_WONT_LATCH" ready to schedule
    And I schedule and dispatch it to the technician
    And the technician checks in
    Then the technician cannot complete the work because of MISSING_SIGNATURE_CONFIRMATION
    When the technician attaches the evidence for a door
    And the technician completes the work
    And quality assurance verifies it
    And finance invoices and closes it
    Then the ticket is CLOSED
    And the ticket timeline matches the snapshot

  Scenario Outline: A ticket of priority <priority> can be scheduled
    When I create a ticket "Door will not latch"
    And I triage it as <priority> "DOOR_WONT_LATCH" ready to schedule
    Then the ticket is READY_TO_SCHEDULE

    Examples:
      | priority  |
      | EMERGENCY |
      | ROUTINE   |
