@lifecycle
Feature: No step can be skipped
  Background:
    Given a pilot account with a site and a technician
    And I am the dispatcher
    And I create a ticket "Door will not latch"

  Scenario: What was not triaged is not scheduled
    When I try to propose a window
    Then it is refused with 409 INVALID_STATE_TRANSITION in the dimension state
    And the ticket is NEW

  Scenario: What was not proposed is not confirmed
    When I triage it as URGENT "DOOR_WONT_LATCH" ready to schedule
    And I try to confirm a window
    Then it is refused with 409 INVALID_STATE_TRANSITION in the dimension state
    And the ticket is READY_TO_SCHEDULE

  Scenario: What was not scheduled is dispatched only when someone says how
    When I try to triage it as URGENT "DOOR_WONT_LATCH"
    And I try to dispatch the technician
    Then it is refused with 409 ASSIGNMENT_BYPASS_DENIED
    And the ticket is TRIAGED

  Scenario: The emergency path is for emergencies
    When I triage it as URGENT "DOOR_WONT_LATCH" ready to schedule
    And it is scheduled
    And I try to dispatch the technician by the emergency path
    Then it is refused with 409 ASSIGNMENT_BYPASS_DENIED in the dimension policy
    And the ticket is SCHEDULED

  Scenario: The emergency path has to be confirmed
    When I triage it as EMERGENCY "DOOR_WONT_LATCH" ready to schedule
    And it is scheduled
    And I try to dispatch the technician by the emergency path without confirming
    Then it is refused with 409 ASSIGNMENT_BYPASS_DENIED in the dimension policy

  Scenario: An emergency skips the schedule, and history says through which states
    When I try to triage it as EMERGENCY "CANNOT_SECURE_ENTRY"
    And I try to dispatch the technician by the emergency path
    Then the status is 200
    And the ticket is DISPATCHED
    And the ticket has 4 transitions and 3 audit events
    And the timeline's tools are "ticket.create ticket.triage assignment.dispatch"

  Scenario: Nobody is sent who is not in the directory
    When I triage it as URGENT "DOOR_WONT_LATCH" ready to schedule
    And it is scheduled
    And I dispatch the technician "99999999-9999-4999-8999-999999999999"
    Then it is refused with 409 ASSIGNMENT_NOT_FOUND
    And the ticket is SCHEDULED
