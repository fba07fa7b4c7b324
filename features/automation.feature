@autonomy
Feature: Automation can be stopped, and never does what only a person may
  Background:
    Given a pilot account with a site and a technician
    And I am the dispatcher

  Scenario: A pause stops what the agent would complete, and its end lets it go on
    Given an emergency "DOOR_WONT_LATCH" is being worked on
    And the technician attaches the evidence for a door
    And automation is paused for "DOOR_WONT_LATCH"
    When the agent proposes its completion
    Then it is refused with 409 AUTONOMY_DISABLED in the dimension policy
    And the ticket is IN_PROGRESS
    When automation is resumed for "DOOR_WONT_LATCH"
    And the agent proposes its completion
    Then the status is 200
    And the ticket is COMPLETED_PENDING_VERIFICATION

  Scenario: High-risk work is completed by a person
    Given an emergency "CANNOT_SECURE_ENTRY" is being worked on
    When the agent proposes its completion
    Then the status is 409
    And the ticket is IN_PROGRESS

  Scenario: A technician may not pause automation
    Given I am the technician
    When I post to "dispatch-api/ops/autonomy/pause":
      """
      { "scope_type": "GLOBAL" }
      """
    Then it is refused with 403 FORBIDDEN in the dimension role
